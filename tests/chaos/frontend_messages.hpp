// Finds COMMIT in what a PostgreSQL client sends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lt::chaos {

/// Follows the messages of one client-to-server stream (protocol 3, unencrypted), however they are cut into pieces.
class FrontendMessages {
 public:
  /// Takes the next bytes. @return true when a simple query that ends with COMMIT was completed by them.
  bool feed(std::string_view bytes);

 private:
  enum class State : std::uint8_t { kStartup, kHeader, kBody };
  /// @return whether the message that has ended was a COMMIT.
  bool end_message();
  [[nodiscard]] std::size_t header_size() const;
  void take_header();

  State state_ = State::kStartup;
  std::string header_;      // of the message that is arriving
  std::string text_;        // its body, when it is a short simple query
  std::uint32_t left_ = 0;  // bytes of the body that have not come
  bool keep_text_ = false;
  bool startup_follows_ = false;  // another startup message comes after this one
};

}  // namespace lt::chaos
