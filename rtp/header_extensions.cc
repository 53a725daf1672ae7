#include "rtp/header_extensions.h"

#include <algorithm>

#include "base/byte_writer.h"

namespace simpul::rtp {
namespace {

constexpr uint16_t kTwoByteProfile = 0x1000;  // and 4 bits of the application's
constexpr uint16_t kTwoByteProfileMask = 0xfff0;
constexpr uint8_t kPaddingId = 0;
constexpr uint8_t kStopId = 15;
constexpr size_t kOneByteSizeMax = 16;
constexpr size_t kTwoByteSizeMax = 255;
constexpr size_t kWordSize = 4;

bool is_letter_or_digit(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// The token of SDP (RFC 4566 §9).
bool is_token(uint8_t c) {
  static constexpr std::string_view kOthers = "!#$%&'*+-.^_`{|}~";
  return is_letter_or_digit(c) || kOthers.find(static_cast<char>(c)) != std::string_view::npos;
}

bool fits_one_byte_form(const ExtensionElement& element) {
  return element.id != kPaddingId && element.id < kStopId && !element.data.empty() &&
         element.data.size() <= kOneByteSizeMax;
}

bool fits_two_byte_form(const ExtensionElement& element) {
  return element.id != kPaddingId && element.data.size() <= kTwoByteSizeMax;
}

}  // namespace

ExtensionReader::ExtensionReader(uint16_t profile, Bytes block) {
  two_byte_ = (profile & kTwoByteProfileMask) == kTwoByteProfile;
  if (two_byte_ || profile == kOneByteProfile) rest_ = block;
}

std::optional<ExtensionElement> ExtensionReader::next() {
  while (!rest_.empty() && rest_[0] == kPaddingId) rest_ = rest_.subspan(1);
  auto element = two_byte_ ? next_two_byte() : next_one_byte();
  if (!element) rest_ = {};
  return element;
}

// |  ID   | len-1 | data ... |
std::optional<ExtensionElement> ExtensionReader::next_one_byte() {
  if (rest_.empty()) return std::nullopt;
  const auto id = static_cast<uint8_t>(rest_[0] >> 4);
  const size_t size = (rest_[0] & 0x0fu) + 1u;
  // Id 0 with a length is no padding: it ends the block like the reserved id (RFC 8285 §4.2).
  if (id == kStopId || id == kPaddingId) return std::nullopt;
  const Bytes data = rest_.subspan(1);
  if (data.size() < size) return std::nullopt;
  rest_ = data.subspan(size);
  return ExtensionElement{.id = id, .data = data.first(size)};
}

// |      ID       |     length    | data ... |
std::optional<ExtensionElement> ExtensionReader::next_two_byte() {
  if (rest_.size() < 2) return std::nullopt;
  const uint8_t id = rest_[0];
  const size_t size = rest_[1];
  const Bytes data = rest_.subspan(2);
  if (data.size() < size) return std::nullopt;
  rest_ = data.subspan(size);
  return ExtensionElement{.id = id, .data = data.first(size)};
}

std::optional<AudioLevel> read_audio_level(Bytes data) {
  // The two-byte form may pad the one byte that counts (RFC 6464 §3).
  if (data.empty()) return std::nullopt;
  return AudioLevel{.voice = (data[0] & 0x80) != 0, .level = static_cast<uint8_t>(data[0] & 0x7f)};
}

std::optional<uint16_t> read_transport_sequence(Bytes data) {
  if (data.size() != 2) return std::nullopt;
  return load_be16(data.first<2>());
}

std::array<uint8_t, kSendTimeSize> write_send_time(TimePoint time) {
  constexpr auto kPeriod = std::chrono::seconds(64);
  const Duration passed = time.time_since_epoch() % kPeriod;
  std::array<uint8_t, kSendTimeSize> data{};
  store_be24(data, static_cast<uint32_t>((passed.count() << 18) / 1'000'000));
  return data;
}

std::optional<CaptureTime> read_capture_time(Bytes data) {
  if (data.size() != 8 && data.size() != kCaptureTimeSizeMax) return std::nullopt;
  CaptureTime time{.ntp_time = load_be64(data.first<8>())};
  if (data.size() == kCaptureTimeSizeMax) {
    time.clock_ahead = static_cast<int64_t>(load_be64(data.subspan<8, 8>()));
  }
  return time;
}

size_t write_capture_time(const CaptureTime& time, std::span<uint8_t, kCaptureTimeSizeMax> room) {
  store_be64(room.first<8>(), time.ntp_time);
  if (!time.clock_ahead) return 8;
  store_be64(room.last<8>(), static_cast<uint64_t>(*time.clock_ahead));
  return kCaptureTimeSizeMax;
}

std::optional<std::string_view> read_mid(Bytes data) {
  if (data.empty() || data.size() > kMidSizeMax) return std::nullopt;
  if (!std::ranges::all_of(data, is_token)) return std::nullopt;
  return as_text(data);
}

std::optional<std::string_view> read_rid(Bytes data) {
  if (data.empty() || data.size() > kRidSizeMax) return std::nullopt;
  // RFC 8851 §10 allows these two besides.
  const auto is_allowed = [](uint8_t c) { return is_letter_or_digit(c) || c == '-' || c == '_'; };
  if (!std::ranges::all_of(data, is_allowed)) return std::nullopt;
  return as_text(data);
}

size_t write_extensions(std::span<const ExtensionElement> elements, MutableBytes room,
                        ExtensionForms forms) {
  if (room.size() < kWordSize) return 0;
  const bool two_byte = forms == ExtensionForms::kMixed &&
                        std::ranges::any_of(elements, [](const ExtensionElement& element) {
                          return !fits_one_byte_form(element) && fits_two_byte_form(element);
                        });
  ByteWriter writer(room.subspan(kWordSize));
  for (const ExtensionElement& element : elements) {
    const size_t size = element.data.size();
    if (two_byte ? !fits_two_byte_form(element) : !fits_one_byte_form(element)) continue;
    if (two_byte) {
      writer.u8(element.id);
      writer.u8(static_cast<uint8_t>(size));
    } else {
      writer.u8(static_cast<uint8_t>(size_t{element.id} << 4 | (size - 1)));
    }
    writer.bytes(element.data);
  }
  writer.zeros((kWordSize - writer.size() % kWordSize) % kWordSize);
  if (!writer.ok() || writer.size() == 0) return 0;
  store_be16(room.first<2>(), two_byte ? kTwoByteProfile : kOneByteProfile);
  store_be16(room.subspan<2, 2>(), static_cast<uint16_t>(writer.size() / kWordSize));
  return kWordSize + writer.size();
}

}  // namespace simpul::rtp
