#include <filesystem>
#include <map>
#include <set>

#include "libfp4/io/file_limits.h"
#include "libfp4/io/hf_documents.h"
#include "libfp4/io/json_document.h"
#include "libfp4/io/readers.h"
#include "libfp4/io/safetensors_tensors.h"
#include "libfp4/io/stored_checkpoint.h"
#include "libfp4/io/tensor_shape.h"

namespace fp4 {
namespace {

namespace fs = std::filesystem;

// A shard lies beside its index: a name that leads anywhere else is refused.
bool is_plain_file_name(std::string_view name) {
    return !name.empty() && name.size() <= 255 && name.front() != '.' &&
           name.find_first_of(std::string_view("/\\\0:", 4)) == std::string_view::npos;
}

using TensorsByShard = std::map<std::string, std::set<std::string, std::less<>>>;

Result<TensorsByShard> read_index(const std::string& path) {
    FP4_ASSIGN(std::string text, read_text_file(path, limits::max_safetensors_header));
    FP4_ASSIGN(JsonValue root,
               parse_json(text, path, {.max_depth = 8, .max_values = limits::max_header_json_values}));
    const JsonValue* map = root.find("weight_map");
    if (!map || !map->object()) return error(Status::format, path, ": has no 'weight_map' object");
    if (map->object()->empty()) return error(Status::format, path, ": 'weight_map' is empty");
    if (map->object()->size() > limits::max_tensors) {
        return error(Status::limit, path, ": ", map->object()->size(), " tensors, the limit is ",
                     limits::max_tensors);
    }
    TensorsByShard shards;
    for (const auto& [tensor, shard] : *map->object()) {
        if (!shard.string() || !is_plain_file_name(*shard.string())) {
            return error(Status::format, path, ": 'weight_map' of tensor '", printable(tensor),
                         "' is not the name of a file in the same folder: '",
                         shard.string() ? printable(*shard.string()) : "", "'");
        }
        shards[*shard.string()].insert(tensor);
    }
    if (shards.size() > limits::max_shards) {
        return error(Status::limit, path, ": ", shards.size(), " shards, the limit is ", limits::max_shards);
    }
    return shards;
}

Result<void> append_shard(const std::string& path, const std::string& index_path,
                          std::set<std::string, std::less<>> wanted, const OpenOptions& options,
                          StoredCheckpoint::Contents& contents) {
    FP4_ASSIGN(std::shared_ptr<ByteSource> source, open_file(path, options.allow_map));
    FP4_ASSIGN(SafetensorsHeader header, read_safetensors_header(*source));
    for (const SafetensorsEntry& entry : header.entries) {
        if (wanted.erase(entry.name) == 0) continue; // the index is what names the model's tensors
        append_safetensors_tensor(entry, source, contents.tensors, contents.regions);
    }
    if (!wanted.empty()) {
        return error(Status::format, path, ": has no tensor '", printable(*wanted.begin()), "', which ",
                     index_path, " places there");
    }
    return {};
}

} // namespace

Result<std::shared_ptr<Checkpoint>> open_hf_index(const std::string& index_path, const OpenOptions& options) {
    FP4_ASSIGN(TensorsByShard shards, read_index(index_path));
    fs::path folder = fs::path(index_path).parent_path();
    StoredCheckpoint::Contents contents;
    contents.name = folder.empty() ? "." : folder.string();
    contents.kind = "safetensors";
    for (auto& [shard, tensors] : shards) {
        FP4_TRY(append_shard((folder / shard).string(), index_path, std::move(tensors), options, contents));
    }
    contents.documents = folder_documents(contents.name);
    return std::shared_ptr<Checkpoint>(std::make_shared<StoredCheckpoint>(std::move(contents)));
}

Result<std::shared_ptr<Checkpoint>> open_hf_folder(const std::string& folder, const OpenOptions& options) {
    std::error_code ignored;
    std::string single = (fs::path(folder) / "model.safetensors").string();
    std::string index = single + ".index.json";
    if (fs::exists(single, ignored)) {
        FP4_ASSIGN(std::shared_ptr<ByteSource> source, open_file(single, options.allow_map));
        return open_safetensors(std::move(source), folder);
    }
    if (fs::exists(index, ignored)) return open_hf_index(index, options);
    return error(
        Status::not_found, folder,
        ": has neither model.safetensors nor model.safetensors.index.json; a GGUF or .fp4 file must be named "
        "itself, and PyTorch .bin weights must be saved as safetensors first");
}

} // namespace fp4
