#include "base/ids.hpp"

#include <chrono>

#include <fmt/format.h>
#include <openssl/rand.h>

namespace lt {

std::string make_uuid7() {
  unsigned char b[16];
  RAND_bytes(b, sizeof b);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  auto ms = static_cast<unsigned long long>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  for (int i = 5; i >= 0; --i) {
    b[i] = static_cast<unsigned char>(ms & 0xFF);
    ms >>= 8;
  }
  b[6] = static_cast<unsigned char>((b[6] & 0x0F) | 0x70);
  b[8] = static_cast<unsigned char>((b[8] & 0x3F) | 0x80);
  std::string out;
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out.push_back('-');
    out += fmt::format("{:02x}", b[i]);
  }
  return out;
}

}  // namespace lt
