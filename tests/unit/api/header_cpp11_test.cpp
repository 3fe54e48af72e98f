// The header is plain C++11 and its functions have C linkage.
#include <fp4.h>

#include <type_traits>

static_assert(std::is_standard_layout<fp4_ctx_config>::value && std::is_trivial<fp4_ctx_config>::value,
              "a C struct");
static_assert(std::is_same<decltype(&fp4_model_close), void (*)(fp4_model*)>::value, "a plain function");

int main() {
    fp4_ctx_config config;
    if (fp4_ctx_config_init(&config, sizeof config) != FP4_OK) return 1;
    return config.size == sizeof config ? 0 : 2;
}
