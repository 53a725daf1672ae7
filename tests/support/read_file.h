#pragma once

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace simpul::testing {

// A file under tests/data, whole; empty when it cannot be read.
inline std::vector<uint8_t> read_test_data(const std::string& name) {
  std::ifstream file(std::string(SIMPUL_TEST_DATA) + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace simpul::testing
