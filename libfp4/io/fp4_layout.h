// From the plan of a .fp4 file to the place of every stored tensor and the header's text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libfp4/io/fp4_profile.h"
#include "libfp4/io/fp4_writer.h"

namespace fp4 {

struct Fp4Layout {
    struct Stored {
        profile::Part part;
        uint64_t offset = 0;    // in the file
        size_t hash_digits = 0; // in `header`
    };
    std::vector<Stored> stored;     // documents, then tensors in plan order; padding is only in the header
    std::vector<size_t> first_part; // of each planned tensor, in `stored`
    std::string header;             // JSON text with all hashes unset, padded
    size_t header_hash_digits = 0;
    uint64_t file_bytes = 0;
};

// packed: the zstd frames of the documents.
Result<Fp4Layout> plan_fp4_layout(const std::string& path, const std::vector<Fp4TensorPlan>& tensors,
                                  const std::vector<Fp4Document>& documents,
                                  const std::vector<std::vector<uint8_t>>& packed, std::string_view manifest);

} // namespace fp4
