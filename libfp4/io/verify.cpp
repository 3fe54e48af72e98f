#include "libfp4/io/verify.h"

#include <algorithm>

#include "libfp4/io/tensor_shape.h"
#include "libfp4/io/xxh3.h"

namespace fp4 {
namespace {

constexpr uint64_t piece_bytes = 1u << 20;

} // namespace

Result<void> verify_checkpoint(const Checkpoint& checkpoint, const VerifyProgress& progress) {
    std::vector<StoredRegion> regions = checkpoint.regions();
    uint64_t total = 0;
    for (const StoredRegion& region : regions) total += region.bytes;

    std::vector<uint8_t> piece;
    uint64_t done = 0;
    for (const StoredRegion& region : regions) {
        std::string where = concat(region.source->name(), ": stored tensor '", printable(region.name), "'");
        Xxh3 hash;
        for (uint64_t at = 0; at < region.bytes;) {
            if (progress && !progress(done, total))
                return error(Status::cancelled, checkpoint.name(), ": check cancelled");
            piece.resize(std::min(piece_bytes, region.bytes - at));
            FP4_TRY(region.source->read_at(region.offset + at, piece));
            hash.update(piece);
            if (region.padding &&
                std::any_of(piece.begin(), piece.end(), [](uint8_t byte) { return byte != 0; })) {
                return error(Status::corrupt, where, " is padding but not zero; the file is damaged");
            }
            at += piece.size();
            done += piece.size();
        }
        if (region.hash && *region.hash != hash.digest()) {
            return error(Status::corrupt, where, " does not match its hash (", hash_text(hash.digest()),
                         ", stated ", hash_text(*region.hash), "); the file is damaged");
        }
    }
    for (const TensorInfo& tensor : checkpoint.tensors()) FP4_TRY(checkpoint.tensor_scale(tensor));
    if (progress) progress(done, total);
    return {};
}

} // namespace fp4
