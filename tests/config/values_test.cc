#include "config/values.h"

#include <gtest/gtest.h>

namespace simpul::config {
namespace {

using namespace std::chrono_literals;

TEST(Values, EndpointsAreAnAddressAndAPort) {
  EXPECT_EQ(parse_endpoint("127.0.0.1:8080"), Address::v4({127, 0, 0, 1}, 8080));
  EXPECT_EQ(parse_endpoint("[::1]:80"), Address::parse("::1", 80));
  EXPECT_EQ(parse_endpoint("0.0.0.0:0"), Address::v4({0, 0, 0, 0}, 0));
  for (const char* text : {"", ":", "127.0.0.1", ":8080", "127.0.0.1:", "127.0.0.1:65536",
                           "127.0.0.1:-1", "127.0.0.1:80x", "localhost:80", "::1:80",
                           "[127.0.0.1]:80", "[::1:80", "[]:80", " 127.0.0.1:80"}) {
    EXPECT_EQ(parse_endpoint(text), std::nullopt) << text;
  }
}

TEST(Values, DurationsAreANumberAndAUnit) {
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("30s"), 30s);
  EXPECT_EQ(parse_duration("2m"), 2min);
  EXPECT_EQ(parse_duration("8760h"), 8760h);
  for (const char* text : {"", "s", "30", "-1s", "1.5s", "30 s", "8761h", "99999999999999999999s",
                           "s30", "30S", "1us"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(Values, IceUrlsAreAServerAndItsTransport) {
  for (const char* text :
       {"stun:stun.example.org", "stuns:stun.example.org:5349", "turn:192.0.2.1",
        "turn:[2001:db8::1]:3478?transport=udp", "turns:turn.example.org:443?transport=tcp"}) {
    EXPECT_TRUE(is_ice_url(text)) << text;
  }
  for (const char* text :
       {"", "stun:", "STUN:a", "stun://a", "http:a", "turn:a?transport=sctp", "turn:a?x=udp",
        "stun:a?transport=udp", "stun:a:0", "stun:a:65536", "stun:a:", "stun:a b", "stun:a>b",
        "stun:a\r\nb", "turn:[a]:1", "turn:[::1", "turn:[::1]x", "turn:u@h", "stun:a,stun:b"}) {
    EXPECT_FALSE(is_ice_url(text)) << text;
  }
  EXPECT_FALSE(is_ice_url("stun:" + std::string(252, 'a')));
}

TEST(Values, OriginsAreASchemeAndAHost) {
  EXPECT_TRUE(is_origin("https://example.org"));
  EXPECT_TRUE(is_origin("http://127.0.0.1:5173"));
  EXPECT_TRUE(is_origin("http://[::1]:5173"));
  for (const char* text : {"", "*", "null", "example.org", "https://", "https://example.org/",
                           "https://Example.org", "ftp://example.org", "https://a b"}) {
    EXPECT_FALSE(is_origin(text)) << text;
  }
  EXPECT_FALSE(is_origin("https://" + std::string(256, 'a')));
}

}  // namespace
}  // namespace simpul::config
