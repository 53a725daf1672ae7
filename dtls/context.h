#pragma once

#include <memory>

struct ssl_ctx_st;

namespace simpul::dtls {

class Certificate;

// What all associations with one certificate share: versions (DTLS 1.2 alone), cipher suites,
// groups, SRTP profiles. Made once; afterwards only read, by any number of threads. Associations
// that are under way keep what they need of it alive.
class Context {
 public:
  explicit Context(const Certificate& certificate);

  ssl_ctx_st* ssl_context() const { return context_.get(); }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
};

}  // namespace simpul::dtls
