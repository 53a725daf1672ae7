#include "control/json_documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/problem.h"

namespace simpul::control {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

node::ConnectionReport make_publisher() {
  node::ConnectionReport connection;
  connection.id = "c_9f3";
  connection.phase = node::ConnectionPhase::kConnected;
  connection.local = Address::v4({203, 0, 113, 5}, 7700);
  connection.remote = Address::v4({198, 51, 100, 7}, 50123);
  connection.round_trip_ms = 23.5;
  connection.tracks.push_back({.state = {.id = relay::TrackId(305419896),
                                         .kind = rtp::MediaKind::kVideo,
                                         .codec = rtp::Codec::kVp8,
                                         .layers = {{.rid = "h",
                                                     .width = 640,
                                                     .height = 360,
                                                     .frames_per_second = 30,
                                                     .bitrate_bps = 480000,
                                                     .packets = 12345,
                                                     .active = true}}},
                               .mid = "1",
                               .layer_loss = {0.25}});
  return connection;
}

TEST(JsonDocuments, ShowAPublisherAsTheApiSays) {
  const node::ParticipantReport participant{.id = "alice",
                                            .room = "stage",
                                            .joined_at_unix_ms = 1'795'284'000'999,
                                            .connections = {make_publisher()}};
  EXPECT_EQ(participant_document(participant),
            R"({"id":"alice","room":"stage","name":"alice","joined_at":"2026-11-21T18:00:00Z",)"
            R"("pinned":false,)"
            R"("connections":[{"id":"c_9f3","state":"connected","role":"whip","worker":0,)"
            R"("path":{"protocol":"udp","local":"203.0.113.5:7700","remote":"198.51.100.7:50123",)"
            R"("rtt_ms":23.5},"estimate_bps":null,"tracks":[{"id":305419896,"kind":"video",)"
            R"("codec":"VP8","mid":"1","source":null,"muted":false,"speaking":null,)"
            R"("layers":[{"rid":"h","width":640,)"
            R"("height":360,"fps":30.0,"bitrate_bps":480000,"loss":0.25,"packets":12345,)"
            R"("active":true,"suspended":false}]}],"slots":[]}]})");
}

TEST(JsonDocuments, ListWhatThereIsToChooseOfAnEncodingWithSeveralLayers) {
  auto publisher = make_publisher();
  publisher.tracks[0].state.layers[0].options = {{.spatial = 1,
                                                  .temporal = 2,
                                                  .bitrate_bps = 90'000,
                                                  .frames_per_second = 30,
                                                  .active = true}};
  const node::ParticipantReport participant{
      .id = "alice", .room = "stage", .joined_at_unix_ms = 0, .connections = {publisher}};
  EXPECT_NE(
      participant_document(participant)
          .find(
              R"("active":true,"suspended":false,"options":[{"spatial":1,"temporal":2,"fps":30.0,)"
              R"("bitrate_bps":90000,"active":true}]})"),
      std::string::npos);
}

TEST(JsonDocuments, SayWhetherAPathIsOverTcp) {
  node::ConnectionReport connection = make_publisher();
  connection.over_tcp = true;
  const node::ParticipantReport participant{
      .id = "alice", .room = "stage", .joined_at_unix_ms = 0, .connections = {connection}};
  EXPECT_THAT(participant_document(participant), ::testing::HasSubstr(R"("protocol":"tcp")"));
}

TEST(JsonDocuments, ShowAWatcherWithAFilledAndAnEmptySlot) {
  node::ConnectionReport connection;
  connection.id = "c_1";
  connection.role = node::Role::kWatcher;
  connection.phase = node::ConnectionPhase::kChecking;
  connection.worker = 3;
  node::SlotReport filled;
  filled.mid = "0";
  filled.loss = 0.5;
  filled.state.kind = rtp::MediaKind::kVideo;
  filled.state.track = relay::TrackId(7);
  filled.state.participant = "bob";
  filled.state.layer = "h";
  filled.state.sublayers = {.encoding = 1, .spatial = 0, .temporal = 2};
  filled.state.bitrate_bps = 32000;
  filled.state.repeated_frames = 2;
  filled.state.is_pinned = true;
  node::SlotReport empty;
  empty.mid = "1";
  empty.state.participant = "gone";
  connection.slots = {filled, empty};
  const node::ParticipantReport participant{.id = "p", .room = "r", .connections = {connection}};
  EXPECT_THAT(
      participant_document(participant),
      HasSubstr(R"("state":"checking","role":"whep","worker":3,"path":null,"estimate_bps":null,)"
                R"("tracks":[],"slots":[{"mid":"0","kind":"video","track":7,"participant":"bob",)"
                R"("layer":"h","sublayers":{"spatial":0,"temporal":2},)"
                R"("bitrate_bps":32000,"loss":0.5,"redundancy":2,)"
                R"("paused":false,"pinned":true},{"mid":"1",)"
                R"("kind":"audio","track":null,"participant":null,"layer":null,)"
                R"("sublayers":null,"bitrate_bps":0,)"
                R"("loss":0.0,"redundancy":0,"paused":false,"pinned":false}])"));
}

TEST(JsonDocuments, NameAnEncodingWithoutANameByItsLayers) {
  node::ConnectionReport connection;
  node::SlotReport slot;
  slot.state.track = relay::TrackId(7);
  slot.state.layer = "";
  slot.state.sublayers = {.spatial = 1, .temporal = 2};
  connection.slots = {slot};
  const node::ParticipantReport participant{.id = "p", .room = "r", .connections = {connection}};
  EXPECT_THAT(participant_document(participant),
              HasSubstr(R"("layer":"S1T2","sublayers":{"spatial":1,"temporal":2})"));
}

TEST(JsonDocuments, GiveNullForWhatIsNotKnownYet) {
  auto connection = make_publisher();
  connection.round_trip_ms.reset();
  connection.tracks[0].layer_loss.clear();
  connection.tracks[0].state.layers[0].width = 0;
  const auto text = participant_document({.id = "a", .room = "r", .connections = {connection}});
  EXPECT_THAT(text, HasSubstr(R"("rtt_ms":null)"));
  EXPECT_THAT(text, HasSubstr(R"("loss":null)"));
  EXPECT_THAT(text, HasSubstr(R"("width":null)"));
}

TEST(JsonDocuments, WriteTimesAsRfc3339) {
  EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(rfc3339(1'709'208'000'999), "2024-02-29T12:00:00Z");
  EXPECT_EQ(rfc3339(-1), "1969-12-31T23:59:59Z");
}

TEST(ProblemDocuments, NameTypeTitleStatusDetailAndField) {
  EXPECT_EQ(problem_document(invalid_field("layer", "Must be \"low\".")),
            R"({"type":"/problems/invalid-field","title":"A field has a value that is not )"
            R"(allowed","status":400,"detail":"Must be \"low\".","field":"layer"})");
}

TEST(ProblemDocuments, WithoutATypeSayWhatTheStatusSays) {
  EXPECT_EQ(problem_document({.status = 408, .detail = "Late."}),
            R"({"type":"about:blank","title":"Request Timeout","status":408,"detail":"Late."})");
}

TEST(ProblemDocuments, HoldWhateverBytesARequestHad) {
  const auto text = problem_document({.status = 400, .detail = "\xff\x01\"\xc3"});
  EXPECT_THAT(text, Not(HasSubstr("\xff")));
  EXPECT_THAT(text, HasSubstr("\\u0001\\\""));
}

TEST(ProblemDocuments, HaveATypeAndATitleForEachKind) {
  for (int i = 1; i <= static_cast<int>(ProblemType::kInternal); ++i) {
    const auto type = static_cast<ProblemType>(i);
    EXPECT_TRUE(type_uri(type).starts_with("/problems/")) << i;
    EXPECT_FALSE(title_of(type).empty()) << i;
  }
}

TEST(ProblemDocuments, AskToRetryWhereTheStatusIsTemporary) {
  EXPECT_NE(problem_response({.type = ProblemType::kFull, .status = 503}).header("Retry-After"),
            nullptr);
  EXPECT_EQ(problem_response(not_found("")).header("Retry-After"), nullptr);
}

}  // namespace
}  // namespace simpul::control
