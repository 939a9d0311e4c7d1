#include "pg/params.hpp"

#include <bit>

#include "pg/detail/binary.hpp"

namespace lt::pg {
namespace {

struct ArrayOids {
  std::uint32_t array;
  std::uint32_t element;
};

ArrayOids oids_of(ElementType type) {
  switch (type) {
    case ElementType::kBigint: return {detail::kInt8ArrayOid, detail::kInt8Oid};
    case ElementType::kReal: return {detail::kFloat4ArrayOid, detail::kFloat4Oid};
    case ElementType::kChar: return {detail::kCharArrayOid, detail::kCharOid};
    case ElementType::kText: return {detail::kTextArrayOid, detail::kTextOid};
    case ElementType::kBytea: return {detail::kByteaArrayOid, detail::kByteaOid};
    case ElementType::kJsonb: break;
  }
  return {detail::kJsonbArrayOid, detail::kJsonbOid};
}

}  // namespace

std::string& Params::open(std::uint32_t type) {
  slots_.push_back({type, buffer_.size(), 0, false});
  return buffer_;
}

Params& Params::close() {
  slots_.back().size = buffer_.size() - slots_.back().offset;
  return *this;
}

Params& Params::make_last_null() {
  buffer_.resize(slots_.back().offset);
  slots_.back().size = 0;
  slots_.back().null = true;
  return *this;
}

Params& Params::add(std::int16_t value) {
  detail::append_be16(open(detail::kInt2Oid), static_cast<std::uint16_t>(value));
  return close();
}

Params& Params::add(std::int32_t value) {
  detail::append_be32(open(detail::kInt4Oid), static_cast<std::uint32_t>(value));
  return close();
}

Params& Params::add(std::int64_t value) {
  detail::append_be64(open(detail::kInt8Oid), static_cast<std::uint64_t>(value));
  return close();
}

Params& Params::add(double value) {
  detail::append_be64(open(detail::kFloat8Oid), std::bit_cast<std::uint64_t>(value));
  return close();
}

Params& Params::add(float value) {
  detail::append_be32(open(detail::kFloat4Oid), std::bit_cast<std::uint32_t>(value));
  return close();
}

Params& Params::add(bool value) {
  open(detail::kBoolOid).push_back(value ? '\1' : '\0');
  return close();
}

Params& Params::add(std::string_view value) {
  open(detail::kTextOid).append(value);
  return close();
}

Params& Params::add_bytes(std::string_view value) {
  open(detail::kByteaOid).append(value);
  return close();
}

Params& Params::add_char(char value) {
  open(detail::kCharOid).push_back(value);
  return close();
}

Params& Params::add_jsonb(std::string_view json) {
  open(detail::kJsonbOid).append(1, detail::kJsonbVersion).append(json);
  return close();
}

Params& Params::add_null() {
  open(detail::kUnknownOid);
  return make_last_null();
}

Params& Params::add_int8_array(std::span<const std::int64_t> values) {
  detail::append_int8_array(open(detail::kInt8ArrayOid), values);
  return close();
}

Params& Params::add_text_array(std::span<const std::string> values) {
  detail::append_text_array(open(detail::kTextArrayOid), values);
  return close();
}

Params& Params::add_raw_array(ElementType type, std::span<const RawValue> values) {
  const ArrayOids oids = oids_of(type);
  detail::append_raw_array(open(oids.array), oids.element, values);
  return close();
}

Params& Params::add_timestamp_us(std::int64_t us_since_unix_epoch) {
  const std::int64_t value = detail::to_postgres_us(us_since_unix_epoch);
  detail::append_be64(open(detail::kTimestampTzOid), static_cast<std::uint64_t>(value));
  return close();
}

void Params::clear() {
  slots_.clear();
  buffer_.clear();
}

std::optional<std::string_view> Params::value(std::size_t index) const {
  const Slot& slot = slots_[index];
  if (slot.null) return std::nullopt;
  return std::string_view(buffer_).substr(slot.offset, slot.size);
}

}  // namespace lt::pg
