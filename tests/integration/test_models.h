// Models the integration tests run on: tiny ones with exact logits in tests/golden/models, and real ones
// where they are.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "libfp4/base/job.h"
#include "libfp4/engine/context.h"

namespace fp4::test {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool address_sanitizer = true;
#elif defined(__has_feature)
inline constexpr bool address_sanitizer = __has_feature(address_sanitizer);
#else
inline constexpr bool address_sanitizer = false;
#endif

std::filesystem::path golden_models(); // tests/golden/models
std::filesystem::path shared_data();   // FP4_TEST_DATA, else ../shared/data beside the source; may not exist
// FP4_TEST_MODELS, else the cache of apps/demo.sh; may not exist.
std::filesystem::path model_cache();

// Somewhere below model_cache(); empty when it is not there.
std::filesystem::path find_model_file(const std::string& file_name);

// Tensors of a reference file beside a golden model. Fail the test when they are not there.
std::vector<float> read_values(const std::filesystem::path& file, const std::string& tensor);
std::vector<int32_t> read_ids(const std::filesystem::path& file, const std::string& tensor); // below 2^24

// On the CPU backend. Fails the test on error.
std::shared_ptr<const Model> load_model(const std::filesystem::path& path);
std::unique_ptr<Context> make_context(std::shared_ptr<const Model> model, ContextConfig config = {});
// Of the last token evaluated, without the other rows being kept.
std::vector<float> last_logits(Context& context);

// A directory that goes with its contents.
class TemporaryFolder {
  public:
    TemporaryFolder();
    ~TemporaryFolder();
    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

  private:
    std::filesystem::path path_;
};

// A job's control for work called directly.
class NoControl : public JobControl {
  public:
    bool cancelled() const override { return false; }
    void report(std::string_view, std::string_view, uint64_t, uint64_t) override {}
};

} // namespace fp4::test
