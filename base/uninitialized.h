#pragma once

// For a large local variable of the media path that is written before it is read, part by part.
// Release builds set locals to zero (-ftrivial-auto-var-init), which for the jobs of a batch costs
// more than filling those that are used.
#define SIMPUL_UNINITIALIZED __attribute__((uninitialized))
