#include "ice/credentials.h"

#include "crypto/random.h"

namespace simpul::ice {

std::string make_username_fragment() { return crypto::random_ice_text(kUsernameFragmentSize); }

std::string make_password() { return crypto::random_ice_text(kPasswordSize); }

Credentials make_credentials() { return {make_username_fragment(), make_password()}; }

}  // namespace simpul::ice
