// Files and folders of the io tests.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "libfp4/io/checkpoint.h"

namespace fp4::test {

// The value of a result that must be one.
template <class T>
T take(Result<T> result) {
    REQUIRE_MESSAGE(result.ok(), (result.ok() ? "" : result.error().message));
    return std::move(result).value();
}

// A fresh folder, removed with everything in it at the end.
class TemporaryFolder {
  public:
    TemporaryFolder();
    ~TemporaryFolder();
    std::string path(std::string_view name) const { return (folder_ / name).string(); }
    std::string path() const { return folder_.string(); }

  private:
    std::filesystem::path folder_;
};

void write_file(const std::string& path, std::string_view bytes);
std::string read_file(const std::string& path);

// Path in the shared test data; empty (and a line 'skipped' printed) if it is not there.
std::string data_file(const std::string& relative);
// Path of a committed golden file.
std::string golden_file(const std::string& name);

Result<std::shared_ptr<Checkpoint>> open_image(std::string_view image);

// All rows of a tensor as float32.
std::vector<float> read_all(const Checkpoint& checkpoint, std::string_view tensor);

} // namespace fp4::test
