#include "pg/copy.hpp"

#include <bit>

#include <libpq-fe.h>

#include "base/status.hpp"
#include "pg/detail/binary.hpp"
#include "pg/detail/session.hpp"

namespace lt::pg {
namespace {

// 11 bytes of signature, no flags, no header extension.
constexpr std::string_view kHeader{"PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19};
constexpr std::string_view kTrailer{"\377\377", 2};
constexpr std::size_t kSignatureAndFlags = 15;
/// Large enough that a system call per flush costs nothing, small enough to stay in the cache.
constexpr std::size_t kFlushSize = 64 * 1024;
constexpr std::chrono::milliseconds kAbortLimit{5000};

absl::Status copy_closed() {
  return make_error(absl::StatusCode::kFailedPrecondition, "COPY_CLOSED", "this COPY is over; start another one");
}

}  // namespace

std::vector<RawValue> values_of(std::string_view rows) {
  constexpr std::size_t kCountSize = 2, kLengthSize = 4;
  std::vector<RawValue> values;
  while (!rows.empty()) {
    int columns = detail::load_be16(rows.data());
    rows.remove_prefix(kCountSize);
    for (; columns > 0; --columns) {
      const auto size = static_cast<std::int32_t>(detail::load_be32(rows.data()));
      rows.remove_prefix(kLengthSize);
      if (size == detail::kNullSize) {
        values.emplace_back();
        continue;
      }
      values.emplace_back(rows.substr(0, static_cast<std::size_t>(size)));
      rows.remove_prefix(static_cast<std::size_t>(size));
    }
  }
  return values;
}

CopyEncoder& CopyEncoder::begin_row(int columns) {
  detail::append_be16(bytes_, static_cast<std::uint16_t>(columns));
  missing_ = columns;
  return *this;
}

std::string& CopyEncoder::open(std::size_t size) {
  --missing_;
  detail::append_be32(bytes_, static_cast<std::uint32_t>(size));
  return bytes_;
}

CopyEncoder& CopyEncoder::add(std::int16_t value) {
  detail::append_be16(open(sizeof value), static_cast<std::uint16_t>(value));
  return *this;
}

CopyEncoder& CopyEncoder::add(std::int32_t value) {
  detail::append_be32(open(sizeof value), static_cast<std::uint32_t>(value));
  return *this;
}

CopyEncoder& CopyEncoder::add(std::int64_t value) {
  detail::append_be64(open(sizeof value), static_cast<std::uint64_t>(value));
  return *this;
}

CopyEncoder& CopyEncoder::add(double value) {
  detail::append_be64(open(sizeof value), std::bit_cast<std::uint64_t>(value));
  return *this;
}

CopyEncoder& CopyEncoder::add(float value) {
  detail::append_be32(open(sizeof value), std::bit_cast<std::uint32_t>(value));
  return *this;
}

CopyEncoder& CopyEncoder::add(bool value) {
  return add_raw(value ? std::string_view("\1", 1) : std::string_view("\0", 1));
}

CopyEncoder& CopyEncoder::add(std::string_view value) { return add_raw(value); }

CopyEncoder& CopyEncoder::add_raw(std::string_view value) {
  open(value.size()).append(value);
  return *this;
}

CopyEncoder& CopyEncoder::add_null() {
  --missing_;
  detail::append_be32(bytes_, static_cast<std::uint32_t>(detail::kNullSize));
  return *this;
}

CopyEncoder& CopyEncoder::add_int8_array(std::span<const std::int64_t> values) {
  std::string encoded;
  detail::append_int8_array(encoded, values);
  return add_raw(encoded);
}

CopyEncoder& CopyEncoder::add_text_array(std::span<const std::string> values) {
  std::string encoded;
  detail::append_text_array(encoded, values);
  return add_raw(encoded);
}

CopyEncoder& CopyEncoder::add_timestamp_us(std::int64_t us_since_unix_epoch) {
  return add(detail::to_postgres_us(us_since_unix_epoch));
}

CopyEncoder& CopyEncoder::add_jsonb(std::string_view json) {
  open(json.size() + 1).append(1, detail::kJsonbVersion).append(json);
  return *this;
}

CopyIn::CopyIn(detail::Session* session) : session_(session) {
  // The header goes first, with the first rows.
  (void)put(kHeader);
}

CopyIn::~CopyIn() { abort(); }

CopyIn::CopyIn(CopyIn&& other) noexcept
    : session_(std::exchange(other.session_, nullptr)), encoder_(std::move(other.encoder_)) {}

CopyIn& CopyIn::operator=(CopyIn&& other) noexcept {
  if (this == &other) return *this;
  abort();
  session_ = std::exchange(other.session_, nullptr);
  encoder_ = std::move(other.encoder_);
  return *this;
}

void CopyIn::abort() noexcept {
  detail::Session* session = std::exchange(session_, nullptr);
  if (session == nullptr || session->broken()) return;
  const bool told = PQputCopyEnd(session->raw(), "aborted by the client") == 1;
  if (!told || !session->drain(kAbortLimit)) session->give_up();
}

absl::Status CopyIn::put(std::string_view bytes) {
  if (session_ == nullptr) return copy_closed();
  if (session_->broken()) return session_->check_ready();
  const int done = PQputCopyData(session_->raw(), bytes.data(), static_cast<int>(bytes.size()));
  return done == 1 ? absl::OkStatus() : session_->error_of(nullptr);
}

absl::Status CopyIn::flush() {
  if (encoder_.size() == 0) return absl::OkStatus();
  const absl::Status status = put(encoder_.bytes());
  encoder_.clear();
  return status;
}

absl::Status CopyIn::end_row() {
  if (session_ == nullptr) return copy_closed();
  if (!encoder_.row_complete()) {
    return make_error(absl::StatusCode::kInternal, "COPY_ROW_INCOMPLETE",
                      "a COPY row has another number of values than announced");
  }
  return encoder_.size() < kFlushSize ? absl::OkStatus() : flush();
}

absl::Status CopyIn::write_raw(std::string_view rows) {
  LT_RETURN_IF_ERROR(flush());
  // libpq counts in int; a piece far below that also keeps its own buffer small.
  constexpr std::size_t kPiece = 1 << 20;
  while (!rows.empty()) {
    LT_RETURN_IF_ERROR(put(rows.substr(0, kPiece)));
    rows.remove_prefix(std::min(rows.size(), kPiece));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::int64_t> CopyIn::finish() {
  if (session_ == nullptr) return copy_closed();
  if (!encoder_.row_complete()) {
    abort();
    return make_error(absl::StatusCode::kInternal, "COPY_ROW_INCOMPLETE", "the last COPY row is not complete");
  }
  LT_RETURN_IF_ERROR(flush());
  LT_RETURN_IF_ERROR(put(kTrailer));
  detail::Session* session = std::exchange(session_, nullptr);
  if (PQputCopyEnd(session->raw(), nullptr) != 1) return session->error_of(nullptr);
  LT_ASSIGN_OR_RETURN(detail::ResultPtr result, session->collect());
  return Result(result.release()).affected();
}

void CopyOut::FreeMemory::operator()(char* memory) const { PQfreemem(memory); }

CopyOut::CopyOut(detail::Session* session) : session_(session) {}

CopyOut::~CopyOut() {
  if (session_ != nullptr) session_->give_up();
}

CopyOut::CopyOut(CopyOut&& other) noexcept
    : session_(std::exchange(other.session_, nullptr)),
      message_(std::move(other.message_)),
      rest_(other.rest_),
      fields_(std::move(other.fields_)),
      row_(other.row_),
      header_seen_(other.header_seen_) {}

CopyOut& CopyOut::operator=(CopyOut&& other) noexcept {
  if (this == &other) return *this;
  if (session_ != nullptr) session_->give_up();
  session_ = std::exchange(other.session_, nullptr);
  message_ = std::move(other.message_);
  rest_ = other.rest_;
  fields_ = std::move(other.fields_);
  row_ = other.row_;
  header_seen_ = other.header_seen_;
  return *this;
}

absl::StatusOr<const Row*> CopyOut::next() {
  if (session_ == nullptr) return nullptr;
  if (rest_.empty()) LT_RETURN_IF_ERROR(read_message());
  if (session_ == nullptr) return nullptr;  // that was the end
  if (!header_seen_) LT_RETURN_IF_ERROR(skip_header());
  if (rest_.empty()) return next();  // a header that came alone
  LT_ASSIGN_OR_RETURN(const bool found, parse_row());
  if (!found) return next();  // the trailer; the end follows
  row_ = Row(fields_.data(), static_cast<int>(fields_.size()));
  return &row_;
}

absl::Status CopyOut::read_message() {
  char* data = nullptr;
  const int size = PQgetCopyData(session_->raw(), &data, 0);
  message_.reset(data);
  if (size > 0) {
    rest_ = {data, static_cast<std::size_t>(size)};
    return absl::OkStatus();
  }
  return finish();
}

absl::Status CopyOut::finish() {
  detail::Session* session = std::exchange(session_, nullptr);
  rest_ = {};
  return session->collect().status();
}

absl::Status CopyOut::skip_header() {
  if (rest_.size() < kHeader.size()) return malformed();
  const std::size_t extension = detail::load_be32(rest_.data() + kSignatureAndFlags);
  if (rest_.size() - kHeader.size() < extension) return malformed();
  rest_.remove_prefix(kHeader.size() + extension);
  header_seen_ = true;
  return absl::OkStatus();
}

absl::StatusOr<bool> CopyOut::parse_row() {
  fields_.clear();
  if (rest_.size() < sizeof(std::uint16_t)) return malformed();
  const auto columns = static_cast<std::int16_t>(detail::load_be16(rest_.data()));
  rest_.remove_prefix(sizeof(std::uint16_t));
  if (columns < 0) {
    rest_ = {};
    return false;
  }
  for (int i = 0; i < columns; ++i) {
    if (rest_.size() < sizeof(std::uint32_t)) return malformed();
    const auto size = static_cast<std::int32_t>(detail::load_be32(rest_.data()));
    rest_.remove_prefix(sizeof(std::uint32_t));
    const std::size_t length = size < 0 ? 0 : static_cast<std::size_t>(size);
    if (rest_.size() < length) return malformed();
    fields_.push_back({size < 0 ? nullptr : rest_.data(), size, detail::kUnknownOid});
    rest_.remove_prefix(length);
  }
  return true;
}

absl::Status CopyOut::malformed() {
  std::exchange(session_, nullptr)->give_up();
  rest_ = {};
  return make_error(absl::StatusCode::kInternal, "COPY_MALFORMED", "the server sent a COPY row that cannot be read");
}

}  // namespace lt::pg
