// Speed of encoding, single-threaded: MB/s for each tokenizer at hand on WikiText-2, and the time to load it.
// With arguments: tokenizer_bench TEXT TOKENIZER... (tokenizer.json or GGUF files).
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "libfp4/io/checkpoint.h"
#include "libfp4/text/tokenizer/tokenizer.h"
#include "tests/unit/tokenizer/test_paths.h"

using namespace fp4;

namespace {

// Processor time, so that other programs on the machine do not count.
double seconds_since(std::clock_t start) {
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

Result<std::shared_ptr<const Tokenizer>> load(const std::string& path, double& seconds) {
    if (path.ends_with(".json")) {
        std::string json = test::read_file(path).value_or("");
        auto start = std::clock();
        auto tokenizer = Tokenizer::from_json(json, "", path);
        seconds = seconds_since(start);
        return tokenizer;
    }
    FP4_ASSIGN(auto checkpoint, open_checkpoint(path, OpenOptions{}));
    if (checkpoint->gguf() == nullptr) return error(Status::argument, path, " is no GGUF file");
    auto start = std::clock();
    auto tokenizer = Tokenizer::from_gguf(*checkpoint->gguf(), path);
    seconds = seconds_since(start);
    return tokenizer;
}

void measure(const Tokenizer& tokenizer, const std::string& name, const std::string& text,
             double load_seconds) {
    double best = 1e9;
    size_t tokens = 0;
    for (int round = 0; round < 5; ++round) {
        auto start = std::clock();
        auto ids = tokenizer.encode(text, true, SpecialPolicy::none);
        best = std::min(best, seconds_since(start));
        if (!ids) {
            std::printf("%-40s %s\n", name.c_str(), ids.error().message.c_str());
            return;
        }
        tokens = ids->size();
    }
    double megabytes = static_cast<double>(text.size()) / 1e6;
    std::printf("%-40s %7.1f MB/s %9zu tokens   load %.3f s\n", name.c_str(), megabytes / best, tokens,
                load_seconds);
}

} // namespace

int main(int argc, char** argv) {
    std::vector<std::string> arguments(argv + 1, argv + argc);
    if (arguments.empty()) {
        for (const char* path : {"text/wikitext-2/wiki.test.raw", "tokenizers/ggml-vocab-gpt-2.gguf",
                                 "tokenizers/ggml-vocab-phi-3.gguf", "models/books-30M/tokenizer.json"}) {
            arguments.push_back(test::data_path(path));
        }
    }
    std::string text = test::read_file(arguments[0]).value_or("");
    if (text.empty() || arguments.size() < 2) {
        std::printf("skipped: no text or no tokenizer\n");
        return 0;
    }
    for (size_t i = 1; i < arguments.size(); ++i) {
        double seconds = 0;
        auto tokenizer = load(arguments[i], seconds);
        if (tokenizer) {
            measure(**tokenizer, arguments[i].substr(arguments[i].rfind('/') + 1), text, seconds);
        } else {
            std::printf("%s\n", tokenizer.error().message.c_str());
        }
    }
    return 0;
}
