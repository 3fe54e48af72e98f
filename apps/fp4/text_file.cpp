#include "text_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "interrupt.h"
#include "report.h"

namespace fp4::program {
namespace {

struct FileCloser {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

} // namespace

std::optional<std::string> read_file(const std::string& path) {
    std::unique_ptr<std::FILE, FileCloser> opened;
    std::FILE* file = stdin;
    if (path != "-") {
        opened.reset(std::fopen(path.c_str(), "rb"));
        file = opened.get();
    }
    if (file == nullptr) {
        fail("cannot open " + path + ": " + std::strerror(errno));
        return std::nullopt;
    }
    if (path == "-") interrupt::set_mode(interrupt::Mode::input);
    std::string content;
    char buffer[65536];
    size_t count;
    while ((count = std::fread(buffer, 1, sizeof buffer, file)) > 0) content.append(buffer, count);
    interrupt::set_mode(interrupt::Mode::work);
    if (std::ferror(file) != 0) {
        fail("cannot read " + path + ": " + std::strerror(errno));
        return std::nullopt;
    }
    return content;
}

std::optional<std::string> read_recipe(const std::string& name_or_file) {
    if (name_or_file.ends_with(".json")) return read_file(name_or_file);
    return name_or_file;
}

bool write_file(const std::string& path, const std::string& content) {
    const std::string temporary = path + ".part";
    std::FILE* file = std::fopen(temporary.c_str(), "wb");
    if (file == nullptr) {
        fail("cannot create " + temporary + ": " + std::strerror(errno));
        return false;
    }
    bool good = std::fwrite(content.data(), 1, content.size(), file) == content.size();
    good = std::fclose(file) == 0 && good;
    if (good && std::rename(temporary.c_str(), path.c_str()) == 0) return true;
    fail("cannot write " + path + ": " + std::strerror(errno));
    std::remove(temporary.c_str());
    return false;
}

} // namespace fp4::program
