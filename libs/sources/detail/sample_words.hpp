// Words of the samples: roads, places and names of people (invented by combination), UTF-8 in NFC.
#pragma once

#include <array>
#include <string_view>

namespace lt::sources::detail::words {

using std::string_view;

inline constexpr std::array<string_view, 20> kNationalRoads{"1A", "2",  "3",  "4A", "5",  "6",  "7",  "8A", "9",  "10",
                                                            "13", "14", "15", "18", "19", "20", "22", "51", "61", "91"};

inline constexpr std::array<string_view, 40> kStreets{"Trần Hưng Đạo",
                                                      "Lê Lợi",
                                                      "Nguyễn Huệ",
                                                      "Hai Bà Trưng",
                                                      "Lý Thường Kiệt",
                                                      "Quang Trung",
                                                      "Phan Chu Trinh",
                                                      "Phan Bội Châu",
                                                      "Ngô Quyền",
                                                      "Đinh Tiên Hoàng",
                                                      "Lê Duẩn",
                                                      "Điện Biên Phủ",
                                                      "Cách Mạng Tháng Tám",
                                                      "Nguyễn Trãi",
                                                      "Lê Thánh Tông",
                                                      "Nguyễn Du",
                                                      "Hoàng Hoa Thám",
                                                      "Võ Thị Sáu",
                                                      "Nguyễn Thái Học",
                                                      "Trần Phú",
                                                      "Hùng Vương",
                                                      "Bà Triệu",
                                                      "Chu Văn An",
                                                      "Nguyễn Công Trứ",
                                                      "Tôn Đức Thắng",
                                                      "Phạm Văn Đồng",
                                                      "Võ Nguyên Giáp",
                                                      "Nguyễn Văn Cừ",
                                                      "Lê Hồng Phong",
                                                      "Lý Tự Trọng",
                                                      "Phạm Ngũ Lão",
                                                      "Nguyễn Đình Chiểu",
                                                      "Huỳnh Thúc Kháng",
                                                      "Ông Ích Khiêm",
                                                      "Trưng Nữ Vương",
                                                      "Đồng Khởi",
                                                      "Yết Kiêu",
                                                      "Đào Duy Từ",
                                                      "Xuân Thủy",
                                                      "Nguyễn Khuyến"};

inline constexpr std::array<string_view, 40> kPlaces{
    "An Bình",     "An Phú",      "Bình Minh",  "Bình Hòa",    "Cẩm Thủy",   "Đông Hải",   "Đông Sơn",   "Đại Đồng",
    "Đức Thắng",   "Gia Lộc",     "Hòa Bình",   "Hòa Phú",     "Hưng Thịnh", "Hải Châu",   "Khánh Hội",  "Kim Sơn",
    "Long Thạnh",  "Mỹ Đức",      "Mỹ Lâm",     "Nam Cường",   "Nghĩa Hưng", "Ngọc Sơn",   "Nhơn Hòa",   "Phú Lộc",
    "Phước Thạnh", "Quảng Thành", "Quế Sơn",    "Tam Kỳ",      "Tân Lập",    "Tân Thành",  "Thanh Bình", "Thạnh Hóa",
    "Thuận An",    "Thượng Cát",  "Tiên Phong", "Trường Xuân", "Vĩnh Hưng",  "Vĩnh Thạnh", "Xuân Lộc",   "Yên Mỹ"};

inline constexpr std::array<string_view, 16> kFamilyNames{"Nguyễn", "Trần", "Lê",    "Phạm", "Hoàng", "Huỳnh",
                                                          "Phan",   "Vũ",   "Võ",    "Đặng", "Bùi",   "Đỗ",
                                                          "Hồ",     "Ngô",  "Dương", "Lý"};
inline constexpr std::array<string_view, 8> kMiddleNames{"Văn", "Thị", "Hữu", "Đức", "Ngọc", "Minh", "Quốc", "Thanh"};
inline constexpr std::array<string_view, 24> kGivenNames{
    "An",   "Bảo", "Châu", "Dũng", "Đạt",  "Giang", "Hà",  "Hằng", "Hùng",  "Hương", "Khánh", "Lan",
    "Linh", "Mai", "Nam",  "Nga",  "Phúc", "Quân",  "Sơn", "Thảo", "Trang", "Tuấn",  "Vinh",  "Yến"};

inline constexpr std::array<string_view, 6> kOwners{"Sở Nông nghiệp và Môi trường",
                                                    "Trung tâm Quan trắc môi trường",
                                                    "Đài Khí tượng Thủy văn",
                                                    "Ban Quản lý khu công nghiệp",
                                                    "Công ty Cấp nước",
                                                    "Viện Khoa học tài nguyên nước"};

}  // namespace lt::sources::detail::words
