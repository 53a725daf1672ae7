#pragma once

#include <semaphore>
#include <stop_token>
#include <string>
#include <thread>

namespace simpul::testing {

// A network of its own, which nothing outside can see (network_namespaces(7)), with its loopback
// interface up. It ends with the object. Needs root, and throws what is missing: a test that needs
// it fails without.
class Network {
 public:
  Network();
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // While it lives, what this thread opens and starts is in that network.
  class Inside {
   public:
    explicit Inside(const Network& network);
    ~Inside();
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    int outside_;
  };

  // Runs ip(8) in it.
  void ip(const std::string& arguments) const;
  // Runs tc(8) in it.
  void tc(const std::string& arguments) const;
  // Sets a parameter of the kernel's: "net/ipv4/ip_forward".
  void set(const std::string& parameter, const std::string& value) const;
  // A cable between an interface here and one of the other network, both up.
  void link(const std::string& here, const Network& other, const std::string& there) const;
  // Gives an interface an address ("10.0.0.1/24"), at once usable.
  void add_address(const std::string& interface, const std::string& address) const;
  void set_mtu(const std::string& interface, int mtu) const;
  void add_route(const std::string& to, const std::string& through) const;

 private:
  void keep(const std::stop_token& ended);
  void run(const std::string& command) const;

  int thread_id_ = 0;
  int fd_ = -1;
  std::string error_;
  std::binary_semaphore made_{0};
  std::binary_semaphore over_{0};
  std::jthread keeper_;  // a link's other end is put where a thread is
};

}  // namespace simpul::testing
