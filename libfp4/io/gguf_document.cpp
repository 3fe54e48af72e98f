#include "libfp4/io/gguf_document.h"

#include "libfp4/io/file_limits.h"

namespace fp4 {
namespace {

template <class T>
void append_number(std::string& out, T value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

bool describes_the_file(const GgufKeyRange& range) {
    return range.key.starts_with("split.");
}

} // namespace

Result<std::string> metadata_document(const ByteSource& source, const std::vector<GgufKeyRange>& keys) {
    uint64_t count = 0;
    uint64_t bytes = 0;
    for (const GgufKeyRange& range : keys) {
        if (describes_the_file(range)) continue;
        count++;
        bytes += range.bytes; // within the file's size
    }
    if (bytes > limits::max_document_bytes) {
        return error(Status::limit, source.name(), ": key-value section of ", bytes, " bytes, the limit is ",
                     limits::max_document_bytes);
    }
    std::string out = "GGUF";
    out.reserve(24 + bytes);
    append_number<uint32_t>(out, 3);
    append_number<uint64_t>(out, 0); // tensors
    append_number<uint64_t>(out, count);
    for (const GgufKeyRange& range : keys) {
        if (describes_the_file(range)) continue;
        size_t end = out.size();
        out.resize(end + range.bytes);
        FP4_TRY(source.read_at(
            range.offset, {reinterpret_cast<uint8_t*>(out.data() + end), static_cast<size_t>(range.bytes)}));
    }
    return out;
}

} // namespace fp4
