#include <algorithm>
#include <filesystem>

#include "libfp4/io/readers.h"
#include "libfp4/io/tensor_shape.h"

namespace fp4 {
namespace {

namespace fs = std::filesystem;

enum class Container { gguf, safetensors };

// By content, not by file extension.
Result<Container> container_of(const ByteSource& source) {
    uint8_t start[9] = {};
    size_t known = static_cast<size_t>(std::min<uint64_t>(sizeof start, source.size()));
    FP4_TRY(source.read_at(0, {start, known}));
    std::string_view text(reinterpret_cast<const char*>(start), known);
    if (text.starts_with("GGUF")) return Container::gguf;
    if (text.size() == sizeof start && text.back() == '{')
        return Container::safetensors; // after the u64 length
    std::string hint;
    if (text.empty())
        hint = "it is empty";
    else if (text.starts_with("PK\x03\x04") || text.starts_with("\x80\x02"))
        hint = "it looks like PyTorch weights, which must be saved as safetensors first";
    else
        hint = concat("it begins with '", printable(text), "'");
    return error(Status::format, source.name(), ": is no safetensors, GGUF or .fp4 file; ", hint);
}

} // namespace

Result<std::shared_ptr<Checkpoint>> open_checkpoint(const std::string& path, const OpenOptions& options) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) return open_hf_folder(path, options);
    if (path.ends_with(".safetensors.index.json")) return open_hf_index(path, options);
    FP4_ASSIGN(std::shared_ptr<ByteSource> source, open_file(path, options.allow_map));
    FP4_ASSIGN(Container container, container_of(*source));
    if (container == Container::gguf) return open_gguf(path, options);
    std::string folder = fs::path(path).parent_path().string();
    return open_safetensors(std::move(source), folder.empty() ? "." : folder);
}

Result<std::shared_ptr<Checkpoint>> open_checkpoint(std::shared_ptr<ByteSource> source) {
    FP4_ASSIGN(Container container, container_of(*source));
    if (container == Container::gguf) return open_gguf(std::move(source));
    return open_safetensors(std::move(source), "");
}

} // namespace fp4
