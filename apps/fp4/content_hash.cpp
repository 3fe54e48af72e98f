#include "content_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "human.h"

namespace fp4::program {
namespace {

namespace fs = std::filesystem;

class Hash {
  public:
    Hash() { XXH3_64bits_reset(state_.get()); }
    void add(const void* data, size_t size) { XXH3_64bits_update(state_.get(), data, size); }
    void add(const std::string& text) {
        const uint64_t size = text.size();
        add(&size, sizeof size);
        add(text.data(), text.size());
    }
    void add_file(const fs::path& path) {
        std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
        std::vector<char> piece(1 << 20);
        uint64_t size = 0;
        for (size_t got = 0; file && (got = std::fread(piece.data(), 1, piece.size(), file.get())) > 0;) {
            add(piece.data(), got);
            size += got;
        }
        add(&size, sizeof size);
    }
    std::string digits() const {
        return format_text("%016llx", static_cast<unsigned long long>(XXH3_64bits_digest(state_.get())));
    }

  private:
    std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state_{XXH3_createState(),
                                                                           XXH3_freeState};
};

} // namespace

std::string hash_texts(const std::vector<std::string>& texts) {
    Hash hash;
    for (const std::string& text : texts) hash.add(text);
    return hash.digits();
}

std::string hash_content(const std::string& path) {
    Hash hash;
    std::error_code failed;
    if (!fs::is_directory(path, failed)) {
        if (!path.empty()) hash.add_file(path);
        return hash.digits();
    }
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(path, failed)) {
        if (entry.is_regular_file(failed)) files.push_back(entry.path());
    }
    std::ranges::sort(files);
    for (const fs::path& file : files) {
        hash.add(file.filename().string());
        hash.add_file(file);
    }
    return hash.digits();
}

} // namespace fp4::program
