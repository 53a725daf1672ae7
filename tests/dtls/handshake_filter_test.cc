#include "dtls/handshake_filter.h"

#include "dtls/endpoint.h"
#include "dtls/record.h"
#include "tests/support/dtls_records.h"
#include "tests/support/read_file.h"

namespace simpul::dtls {
namespace {

using ::simpul::testing::HandshakeFragment;
using ::simpul::testing::make_fragment;
using ::simpul::testing::make_record;
using ::simpul::testing::read_test_data;

std::vector<uint8_t> zeros(size_t size) { return std::vector<uint8_t>(size); }

class Filter : public ::testing::Test {
 protected:
  bool passes(const std::vector<uint8_t>& record) {
    RecordReader reader(record);
    const auto read = reader.next();
    return read && filter_.passes(*read);
  }
  bool passes_fragment(const HandshakeFragment& fragment) {
    return passes(make_record(22, make_fragment(fragment)));
  }

  HandshakeFilter filter_{Role::kServer};
};

TEST(RecordReader, GivesTheRecordsOfADatagramOneByOne) {
  auto datagram = make_record(22, {1, 2, 3}, 0, 7);
  const auto second = make_record(21, {9}, 1, 8);
  datagram.insert(datagram.end(), second.begin(), second.end());
  RecordReader reader(datagram);
  const auto first = reader.next();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->type, ContentType::kHandshake);
  EXPECT_EQ(first->content.size(), 3u);
  const auto last = reader.next();
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->epoch, 1);
  EXPECT_EQ(last->whole.size(), 14u);
  EXPECT_FALSE(reader.next().has_value());
}

TEST(RecordReader, EndsAtWhatIsNoRecord) {
  const auto good = make_record(22, {1, 2, 3});
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(RecordReader(Bytes(good).first(size)).next().has_value()) << size;
  }
  EXPECT_FALSE(RecordReader(make_record(22, {})).next().has_value());
  EXPECT_FALSE(RecordReader(make_record(24, {1})).next().has_value());  // heartbeat
  EXPECT_FALSE(RecordReader(make_record(19, {1})).next().has_value());
  auto version = good;
  version[1] = 3;
  EXPECT_FALSE(RecordReader(version).next().has_value());
  EXPECT_FALSE(RecordReader(make_record(22, zeros((1 << 14) + 2049))).next().has_value());
  auto record_version_10 = good;
  record_version_10[2] = 0xff;
  EXPECT_TRUE(RecordReader(record_version_10).next().has_value());
}

TEST_F(Filter, PassesTheHellosOfRealClients) {
  for (const std::string client : {"aiortc", "chromium", "chromium-nopqc", "firefox", "gst"}) {
    for (const auto* part : {"-hello-0.bin", "-hello-1.bin"}) {
      const auto datagram = read_test_data("dtls/" + client + part);
      RecordReader reader(datagram);
      while (const auto record = reader.next()) {
        EXPECT_TRUE(filter_.passes(*record)) << client;
      }
    }
  }
}

TEST_F(Filter, DropsFragmentsThatLie) {
  EXPECT_FALSE(passes_fragment({.length = 10, .offset = 5, .bytes = zeros(6)}));
  EXPECT_FALSE(passes_fragment({.length = 10, .offset = 0xffffff, .bytes = zeros(1)}));
  EXPECT_FALSE(passes_fragment({.length = 10, .bytes = {}}));  // zero-length
  auto longer_than_its_record = make_fragment({.length = 10, .bytes = zeros(4)});
  longer_than_its_record[11] = 5;
  EXPECT_FALSE(passes(make_record(22, longer_than_its_record)));
  EXPECT_FALSE(passes(make_record(22, zeros(11))));
}

TEST_F(Filter, DropsMessagesThatAreTooLarge) {
  const auto passes_of = [&](uint8_t type, uint16_t message_seq, uint32_t length) {
    return passes_fragment(
        {.type = type, .length = length, .message_seq = message_seq, .bytes = zeros(1)});
  };
  EXPECT_TRUE(passes_of(1, 0, 3'072));
  EXPECT_FALSE(passes_of(1, 0, 3'073));
  EXPECT_FALSE(passes_of(1, 0, 0xffffff));
  EXPECT_TRUE(passes_of(11, 1, 5'120));
  EXPECT_FALSE(passes_of(11, 1, 5'121));
  EXPECT_TRUE(passes_of(16, 2, 192));
  EXPECT_FALSE(passes_of(16, 2, 193));
  EXPECT_TRUE(passes_of(15, 3, 1'088));
  EXPECT_FALSE(passes_of(15, 3, 1'089));
}

TEST_F(Filter, BoundsWhatAllMessagesTogetherAnnounce) {
  HandshakeFilter client(Role::kClient);
  size_t of_clients = 0;
  size_t of_servers = 0;
  for (int type = 0; type < 256; ++type) {
    size_t longest_of_clients = 0;
    size_t longest_of_servers = 0;
    for (uint16_t message_seq = 0; message_seq < 10; ++message_seq) {
      for (uint32_t length = 1; length < 6'000; length += length < 300 ? 1 : 64) {
        const auto bytes = make_record(22, make_fragment({.type = static_cast<uint8_t>(type),
                                                          .length = length,
                                                          .message_seq = message_seq,
                                                          .bytes = zeros(1)}));
        const auto record = RecordReader(bytes).next();
        if (filter_.passes(*record)) longest_of_clients = length;
        if (client.passes(*record)) longest_of_servers = length;
      }
    }
    of_clients += longest_of_clients;
    of_servers += longest_of_servers;
  }
  EXPECT_GT(of_clients, 8'000u);
  EXPECT_LE(of_clients, HandshakeFilter::kClientBytesMax);
  EXPECT_GT(of_servers, 8'000u);
  EXPECT_LE(of_servers, HandshakeFilter::kServerBytesMax);
}

TEST_F(Filter, KnowsWhichNumberEachMessageHas) {
  for (uint16_t message_seq = 0; message_seq < 20; ++message_seq) {
    for (const auto& [type, number] : {std::pair{1, 0}, {11, 1}, {16, 2}, {15, 3}}) {
      EXPECT_EQ(passes_fragment({.type = static_cast<uint8_t>(type),
                                 .length = 10,
                                 .message_seq = message_seq,
                                 .bytes = zeros(1)}),
                message_seq == number)
          << type << " as " << message_seq;
    }
  }
}

TEST_F(Filter, DropsARecordOfWhichOneMessageIsOdd) {
  auto both = make_fragment({.length = 10, .bytes = zeros(4)});
  EXPECT_TRUE(passes(make_record(22, both)));
  const auto bad = make_fragment({.type = 99, .length = 10, .message_seq = 1, .bytes = zeros(4)});
  both.insert(both.end(), bad.begin(), bad.end());
  EXPECT_FALSE(passes(make_record(22, both)));
}

TEST_F(Filter, PassesToEachRoleWhatTheOtherSays) {
  HandshakeFilter client(Role::kClient);
  for (int type = 0; type < 256; ++type) {
    const bool from_client = type == 1 || type == 11 || type == 15 || type == 16;
    const bool from_server = type == 2 || type == 3 || (type >= 11 && type <= 14);
    bool passes_server = false;
    bool passes_client = false;
    for (uint16_t message_seq = 0; message_seq < 8; ++message_seq) {
      const uint32_t length = type == 14 ? 0 : 4;
      const auto bytes = make_record(22, make_fragment({.type = static_cast<uint8_t>(type),
                                                        .length = length,
                                                        .message_seq = message_seq,
                                                        .bytes = zeros(length)}));
      passes_server = passes_server || passes(bytes);
      passes_client = passes_client || client.passes(*RecordReader(bytes).next());
    }
    EXPECT_EQ(passes_server, from_client) << type;
    EXPECT_EQ(passes_client, from_server) << type;
  }
}

TEST_F(Filter, DropsPlainAlertsAndDataAndOddRecords) {
  EXPECT_FALSE(passes(make_record(21, {2, 40})));
  EXPECT_FALSE(passes(make_record(23, {1, 2, 3})));
  EXPECT_FALSE(passes(make_record(20, {2})));
  EXPECT_FALSE(passes(make_record(20, {1, 1})));
  EXPECT_TRUE(passes(make_record(20, {1})));
  EXPECT_TRUE(passes(make_record(22, zeros(40), 1)));
  EXPECT_TRUE(passes(make_record(22, zeros(256), 1)));
  EXPECT_FALSE(passes(make_record(22, zeros(257), 1)));
  EXPECT_FALSE(passes(make_record(21, zeros(40), 1)));
  EXPECT_FALSE(passes(make_record(23, zeros(40), 1)));
  EXPECT_FALSE(passes(make_record(22, zeros(40), 2)));
}

}  // namespace
}  // namespace simpul::dtls
