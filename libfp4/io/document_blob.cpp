#include "libfp4/io/document_blob.h"

#include <zstd.h>

#include <algorithm>
#include <memory>

#include "libfp4/io/file_limits.h"

namespace fp4 {
namespace {

constexpr int level = 9; // a 30 MB tokenizer packs in about a second; higher levels gain under a tenth

struct FreeContext {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

} // namespace

Result<std::vector<uint8_t>> pack_document(std::string_view text, const std::string& name) {
    if (text.size() > limits::max_document_bytes) {
        return error(Status::limit, "document '", name, "' of ", text.size(), " bytes, the limit is ",
                     limits::max_document_bytes);
    }
    std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
    if (!context) return error(Status::memory, "packing document '", name, "'");
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
    std::vector<uint8_t> packed(ZSTD_compressBound(text.size()));
    size_t bytes = ZSTD_compress2(context.get(), packed.data(), packed.size(), text.data(), text.size());
    if (ZSTD_isError(bytes)) {
        return error(Status::internal, "packing document '", name, "': ", ZSTD_getErrorName(bytes));
    }
    packed.resize(bytes);
    // What we write must pass our own bound on the ratio: a document of one repeated byte does not.
    if (text.size() > std::max(limits::free_document_bytes, bytes * limits::max_document_ratio)) {
        return error(Status::limit, "document '", name, "' packs more than ", limits::max_document_ratio,
                     " times");
    }
    return packed;
}

Result<std::string> unpack_document(std::span<const uint8_t> packed, const std::string& name) {
    unsigned long long size = ZSTD_getFrameContentSize(packed.data(), packed.size());
    if (size == ZSTD_CONTENTSIZE_ERROR) return error(Status::corrupt, name, ": is no zstd frame");
    if (size == ZSTD_CONTENTSIZE_UNKNOWN)
        return error(Status::format, name, ": the zstd frame does not state its size");
    uint64_t allowed = std::max(limits::free_document_bytes, packed.size() * limits::max_document_ratio);
    allowed = std::min(allowed, limits::max_document_bytes);
    if (size > allowed) {
        return error(Status::limit, name, ": unpacks from ", packed.size(), " to ", size,
                     " bytes, the limit is ", allowed);
    }
    size_t frame = ZSTD_findFrameCompressedSize(packed.data(), packed.size());
    if (frame != packed.size()) return error(Status::corrupt, name, ": is not exactly one zstd frame");
    std::string text(size, '\0');
    size_t got = ZSTD_decompress(text.data(), text.size(), packed.data(), packed.size());
    if (ZSTD_isError(got)) return error(Status::corrupt, name, ": ", ZSTD_getErrorName(got));
    if (got != size) return error(Status::corrupt, name, ": unpacks to ", got, " bytes instead of ", size);
    return text;
}

} // namespace fp4
