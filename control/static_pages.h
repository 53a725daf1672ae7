#pragma once

#include <span>
#include <string_view>

#include "control/router.h"

namespace simpul::control {

// A file of the page, compiled in.
struct EmbeddedFile {
  std::string_view path;  // "/index.html"
  std::string_view bytes;
  std::string_view etag;  // with its quotes
};

// The files of web/dist as they were when this program was built; none when there were none.
std::span<const EmbeddedFile> embedded_files();

// Adds a route for each file, and for "/": its index.html, or a short page that says how to build
// the real one. Only what is in the table is ever served: no name of a request reaches a disk.
// The files outlive the router.
void add_page_routes(Router& router, std::span<const EmbeddedFile> files);

}  // namespace simpul::control
