#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/address.h"

namespace simpul::testing {

// The program itself, as it is installed, in a process of its own; ended with this object.
class ServedProcess {
 public:
  // `configuration` is the text of its file; ports are any that are free.
  ServedProcess(const std::string& program, const std::string& configuration);
  ~ServedProcess();
  ServedProcess(const ServedProcess&) = delete;
  ServedProcess& operator=(const ServedProcess&) = delete;

  const Address& http() const { return http_; }
  // Of the first worker's socket.
  const Address& media() const { return media_; }
  // It gets no time of the CPU between the two.
  void suspend() const;
  void resume() const;
  uint64_t resident_bytes() const;
  size_t descriptors() const;
  // The value of a metric without labels, or the sum over its labels.
  double metric(const std::string& name) const;
  // Ends it as an operator does; its exit status.
  int stop();

 private:
  std::string folder_;
  pid_t pid_ = -1;
  Address http_;
  Address media_;
};

}  // namespace simpul::testing
