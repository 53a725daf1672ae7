#pragma once

// toml++ 3.3 asserts (and where NDEBUG is defined lets the compiler assume) some things about the
// text that it checks properly a few lines later: "[)" is a typo, not the end of the process.
#undef NDEBUG
#define TOML_ASSERT(condition) static_assert(true)
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>
