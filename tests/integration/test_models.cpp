#include "tests/integration/test_models.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include "libfp4/cpu/cpu_backend.h"

namespace fp4::test {
namespace {

std::filesystem::path from_environment(const char* name, std::filesystem::path fallback) {
    const char* value = std::getenv(name);
    return value && *value ? std::filesystem::path(value) : fallback;
}

std::filesystem::path source_root() {
    return FP4_SOURCE_ROOT;
}

} // namespace

std::filesystem::path golden_models() {
    return source_root() / "tests" / "golden" / "models";
}

std::filesystem::path shared_data() {
    return from_environment("FP4_TEST_DATA", source_root() / ".." / "shared" / "data");
}

std::filesystem::path model_cache() {
    const char* home = std::getenv("HOME");
    auto cache = from_environment("XDG_CACHE_HOME", std::filesystem::path(home ? home : "/") / ".cache");
    return from_environment("FP4_TEST_MODELS", cache / "fp4");
}

std::filesystem::path find_model_file(const std::string& file_name) {
    std::error_code failed;
    std::filesystem::recursive_directory_iterator entry(
        model_cache(), std::filesystem::directory_options::skip_permission_denied, failed);
    for (; !failed && entry != end(entry); entry.increment(failed)) {
        if (entry->path().filename() == file_name) return entry->path();
    }
    return {};
}

std::vector<float> read_values(const std::filesystem::path& file, const std::string& tensor) {
    auto checkpoint = open_checkpoint(file.string(), {});
    REQUIRE_MESSAGE(checkpoint.ok(), checkpoint.error().message);
    const TensorInfo* info = (*checkpoint)->find(tensor);
    REQUIRE(info != nullptr);
    std::vector<float> values(info->rows() * info->row_length());
    REQUIRE((*checkpoint)->read_f32(*info, 0, info->rows(), values.data()).ok());
    return values;
}

std::vector<int32_t> read_ids(const std::filesystem::path& file, const std::string& tensor) {
    std::vector<int32_t> ids;
    for (float id : read_values(file, tensor)) ids.push_back(static_cast<int32_t>(id));
    return ids;
}

std::shared_ptr<const Model> load_model(const std::filesystem::path& path) {
    auto checkpoint = open_checkpoint(path.string(), {});
    REQUIRE_MESSAGE(checkpoint.ok(), checkpoint.error().message);
    auto source = inspect_model(*checkpoint);
    REQUIRE_MESSAGE(source.ok(), source.error().message);
    auto backend = open_cpu_backend();
    REQUIRE_MESSAGE(backend.ok(), backend.error().message);
    auto model = Model::load(std::move(*source), *backend, nullptr);
    REQUIRE_MESSAGE(model.ok(), model.error().message);
    return *model;
}

std::unique_ptr<Context> make_context(std::shared_ptr<const Model> model, ContextConfig config) {
    auto context = Context::create(std::move(model), config);
    REQUIRE_MESSAGE(context.ok(), context.error().message);
    return std::move(*context);
}

std::vector<float> last_logits(Context& context) {
    std::vector<float> row(context.model().config.vocabulary);
    auto read = context.logits(0, row);
    REQUIRE_MESSAGE(read.ok(), read.error().message);
    return row;
}

TemporaryFolder::TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fp4-test-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

} // namespace fp4::test
