#include "libfp4/engine/context_state.h"

#include <zstd.h>

#include <cstring>

#include "libfp4/io/partial_file.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace fp4 {
namespace {

constexpr char magic[8] = {'F', 'P', '4', 'S', 'T', 'A', 'T', 'E'};
constexpr uint32_t version = 1;
constexpr int compression_level = 1; // f16 keys and values hardly compress; higher levels only cost time

struct Header {
    char magic[8];
    uint32_t version;
    uint32_t layers;
    uint32_t row; // bytes of one token's keys in one layer
    uint32_t tokens;
    uint64_t identity;
    uint64_t hash;
};
static_assert(sizeof(Header) == 40);

uint64_t layer_bytes(const Header& header) {
    return uint64_t(header.tokens) * header.row; // of keys, and again of values
}

uint64_t payload_bytes(const Header& header) {
    return 4ull * header.tokens + 2 * header.layers * layer_bytes(header);
}

struct ZstdFree {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// Calls visit with each run of payload bytes, in order.
template <class Visit>
Result<void> each_payload_part(Context& context, const Header& header, Visit&& visit) {
    const std::vector<int32_t>& tokens = context.tokens();
    FP4_TRY(visit(std::span(reinterpret_cast<const uint8_t*>(tokens.data()), 4ull * header.tokens)));
    std::vector<uint8_t> keys(layer_bytes(header)), values(layer_bytes(header));
    for (uint32_t layer = 0; layer < header.layers && header.tokens > 0; ++layer) {
        FP4_TRY(context.stream().read_kv(context.cache(), layer, 0, header.tokens, keys, values));
        FP4_TRY(visit(std::span<const uint8_t>(keys)));
        FP4_TRY(visit(std::span<const uint8_t>(values)));
    }
    return {};
}

Result<void> compress_part(ZSTD_CCtx* zstd, std::span<const uint8_t> part, ZSTD_EndDirective end,
                           const ByteSink& sink) {
    std::vector<uint8_t> chunk(ZSTD_CStreamOutSize());
    ZSTD_inBuffer input{part.data(), part.size(), 0};
    for (;;) {
        ZSTD_outBuffer output{chunk.data(), chunk.size(), 0};
        size_t left = ZSTD_compressStream2(zstd, &output, &input, end);
        if (ZSTD_isError(left))
            return error(Status::internal, "compressing the state failed: ", ZSTD_getErrorName(left));
        if (output.pos > 0) FP4_TRY(sink({chunk.data(), output.pos}));
        bool finished = end == ZSTD_e_end ? left == 0 : input.pos == input.size;
        if (finished) return {};
    }
}

Header describe(Context& context) {
    const ModelConfig& config = context.model().config;
    Header header{};
    std::memcpy(header.magic, magic, sizeof magic);
    header.version = version;
    header.layers = config.layers;
    header.row = static_cast<uint32_t>(context.cache().shape().row_bytes());
    header.tokens = static_cast<uint32_t>(context.used());
    header.identity = context.model().identity;
    return header;
}

Result<void> check_header(const Header& header, Context& context, const std::string& name) {
    if (std::memcmp(header.magic, magic, sizeof magic) != 0) {
        return error(Status::format, name, ": not a saved context (wrong magic)");
    }
    if (header.version != version) {
        return error(Status::version, name, ": state version ", header.version, ", this library reads ",
                     version);
    }
    Header own = describe(context);
    if (header.identity != own.identity || header.layers != own.layers) {
        return error(Status::state, name, ": the state belongs to another model");
    }
    if (header.row != own.row) return error(Status::state, name, ": the state's KV cache has another format");
    if (header.tokens > context.capacity()) {
        return error(Status::limit, name, ": the state holds ", header.tokens,
                     " tokens, the context has room for ", context.capacity());
    }
    return {};
}

Result<std::vector<uint8_t>> decompress(const ByteSource& source, const Header& header) {
    const std::string& name = source.name();
    const uint64_t packed_bytes = source.size() - sizeof(Header);
    if (packed_bytes > ZSTD_compressBound(payload_bytes(header))) {
        return error(Status::format, name, ": ", packed_bytes,
                     " compressed bytes are too many for a state of ", payload_bytes(header));
    }
    std::vector<uint8_t> packed(packed_bytes);
    FP4_TRY(source.read_at(sizeof(Header), packed));
    // Never trust the frame's own size: the header's was checked against the context.
    std::vector<uint8_t> payload(payload_bytes(header));
    std::unique_ptr<ZSTD_DCtx, ZstdFree> zstd(ZSTD_createDCtx());
    if (!zstd) return error(Status::memory, name, ": no memory to decompress the state");
    size_t size =
        ZSTD_decompressDCtx(zstd.get(), payload.data(), payload.size(), packed.data(), packed.size());
    if (ZSTD_isError(size))
        return error(Status::corrupt, name, ": decompressing failed: ", ZSTD_getErrorName(size));
    if (size != payload.size()) {
        return error(Status::corrupt, name, ": holds ", size, " bytes of state, expected ", payload.size());
    }
    if (XXH3_64bits(payload.data(), payload.size()) != header.hash) {
        return error(Status::corrupt, name, ": checksum mismatch; the state is damaged");
    }
    return payload;
}

} // namespace

Result<void> save_state(Context& context, const ByteSink& sink) {
    Header header = describe(context);
    XXH3_state_t hash;
    XXH3_64bits_reset(&hash);
    FP4_TRY(each_payload_part(context, header, [&](std::span<const uint8_t> part) -> Result<void> {
        XXH3_64bits_update(&hash, part.data(), part.size());
        return {};
    }));
    header.hash = XXH3_64bits_digest(&hash);
    FP4_TRY(sink({reinterpret_cast<const uint8_t*>(&header), sizeof header}));
    std::unique_ptr<ZSTD_CCtx, ZstdFree> zstd(ZSTD_createCCtx());
    if (!zstd) return error(Status::memory, "no memory to compress the state");
    ZSTD_CCtx_setParameter(zstd.get(), ZSTD_c_compressionLevel, compression_level);
    FP4_TRY(each_payload_part(context, header, [&](std::span<const uint8_t> part) {
        return compress_part(zstd.get(), part, ZSTD_e_continue, sink);
    }));
    return compress_part(zstd.get(), {}, ZSTD_e_end, sink);
}

Result<void> load_state(Context& context, const ByteSource& source) {
    Header header;
    if (source.size() < sizeof header)
        return error(Status::format, source.name(), ": too short for a saved context");
    FP4_TRY(source.read_at(0, {reinterpret_cast<uint8_t*>(&header), sizeof header}));
    FP4_TRY(check_header(header, context, source.name()));
    FP4_ASSIGN(std::vector<uint8_t> payload, decompress(source, header));
    std::vector<int32_t> tokens(header.tokens);
    if (!tokens.empty()) std::memcpy(tokens.data(), payload.data(), 4ull * header.tokens);
    for (int32_t token : tokens) {
        if (token < 0 || static_cast<uint32_t>(token) >= context.model().config.vocabulary) {
            return error(Status::corrupt, source.name(), ": token ", token, " is outside the vocabulary");
        }
    }
    const uint8_t* cursor = payload.data() + 4ull * header.tokens;
    for (uint32_t layer = 0; layer < header.layers && header.tokens > 0; ++layer) {
        std::span keys(cursor, layer_bytes(header));
        std::span values(cursor + layer_bytes(header), layer_bytes(header));
        FP4_TRY(context.stream().write_kv(context.cache(), layer, 0, header.tokens, keys, values));
        cursor += 2 * layer_bytes(header);
    }
    context.adopt(std::move(tokens));
    return {};
}

Result<void> save_state_file(Context& context, const std::string& path) {
    FP4_ASSIGN(auto file, PartialFile::create(path, 0));
    uint64_t offset = 0;
    FP4_TRY(save_state(context, [&](std::span<const uint8_t> bytes) -> Result<void> {
        FP4_TRY(file->write_at(offset, bytes));
        offset += bytes.size();
        return {};
    }));
    return file->commit();
}

} // namespace fp4
