#include "tests/integration/served_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "bench/load/process_meter.h"
#include "bench/peer/http_client.h"

namespace simpul::testing {
namespace {

std::string make_folder() {
  std::string name = std::filesystem::temp_directory_path() / "simpul-attack-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  return name;
}

}  // namespace

ServedProcess::ServedProcess(const std::string& program, const std::string& configuration)
    : folder_(make_folder()) {
  const std::string file = folder_ + "/simpuld.toml";
  std::ofstream(file) << configuration;
  std::array<int, 2> output{};
  if (pipe2(output.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, (folder_ + "/log").c_str(),
                                   O_WRONLY | O_CREAT, 0600);
  std::array<std::string, 4> words = {program, "--dev", "--config", file};
  std::array<char*, 5> arguments{};
  for (size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
  const int failed =
      posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(output[1]);
  if (failed != 0) throw std::runtime_error("cannot start " + program);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> ready(fdopen(output[0], "r"), &std::fclose);
  std::array<char, 256> line{};
  unsigned port = 0;
  unsigned media_port = 0;
  if (std::fgets(line.data(), line.size(), ready.get()) == nullptr ||
      std::sscanf(line.data(), "simpuld ready http=127.0.0.1:%u media=udp:%u", &port,
                  &media_port) != 2) {
    throw std::runtime_error("it did not get ready");
  }
  http_ = Address::v4({127, 0, 0, 1}, static_cast<uint16_t>(port));
  media_ = Address::v4({127, 0, 0, 1}, static_cast<uint16_t>(media_port));
}

ServedProcess::~ServedProcess() {
  if (pid_ > 0) stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

int ServedProcess::stop() {
  ::kill(pid_, SIGTERM);
  int status = 0;
  ::waitpid(std::exchange(pid_, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// WUNTRACED: returns when it has stopped.
void ServedProcess::suspend() const {
  ::kill(pid_, SIGSTOP);
  int status = 0;
  ::waitpid(pid_, &status, WUNTRACED);
}

void ServedProcess::resume() const { ::kill(pid_, SIGCONT); }

uint64_t ServedProcess::resident_bytes() const { return load::read_usage(pid_).resident_bytes; }

size_t ServedProcess::descriptors() const {
  const std::filesystem::directory_iterator folder("/proc/" + std::to_string(pid_) + "/fd");
  return static_cast<size_t>(std::distance(begin(folder), end(folder)));
}

double ServedProcess::metric(const std::string& name) const {
  const auto answer = peer::request(http_, "GET", "/metrics", "", "");
  if (!answer) throw std::runtime_error(answer.error());
  std::istringstream lines(answer->body);
  double sum = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name + " ") && !line.starts_with(name + "{")) continue;
    sum += std::stod(line.substr(line.rfind(' ') + 1));
  }
  return sum;
}

}  // namespace simpul::testing
