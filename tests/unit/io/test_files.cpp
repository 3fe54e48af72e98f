#include "tests/unit/io/test_files.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <cstdio>
#include <fstream>
#include <sstream>

namespace fp4::test {
namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "fp4-io-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

void write_file(const std::string& path, std::string_view bytes) {
    std::ofstream out(path, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    REQUIRE(out.good());
}

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    REQUIRE(in.good());
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

static fs::path source_root() {
    const char* set = std::getenv("FP4_SOURCE_ROOT");
    return set ? set : ".";
}

std::string data_file(const std::string& relative) {
    const char* set = std::getenv("FP4_TEST_DATA");
    fs::path root = set ? fs::path(set) : source_root() / ".." / "shared" / "data";
    fs::path path = root / relative;
    if (fs::exists(path)) return path.string();
    std::printf("skipped: no test data %s\n", path.c_str());
    return {};
}

std::string golden_file(const std::string& name) {
    return (source_root() / "tests" / "golden" / name).string();
}

Result<std::shared_ptr<Checkpoint>> open_image(std::string_view image) {
    return open_checkpoint(memory_source("image", std::vector<uint8_t>(image.begin(), image.end())));
}

std::vector<float> read_all(const Checkpoint& checkpoint, std::string_view tensor) {
    const TensorInfo* info = checkpoint.find(tensor);
    REQUIRE_MESSAGE(info, tensor);
    std::vector<float> values(info->rows() * info->row_length());
    auto read = checkpoint.read_f32(*info, 0, info->rows(), values.data());
    REQUIRE_MESSAGE(read.ok(), (read.ok() ? "" : read.error().message));
    return values;
}

} // namespace fp4::test
