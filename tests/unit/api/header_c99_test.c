/* The header is plain C99, twice included, and links from C. */
#include <fp4.h>
#include <string.h>

int main(void) {
    fp4_sampling sampling;
    fp4_gen_config config;
    if (fp4_version() != FP4_VERSION) return 1;
    if (strcmp(fp4_status_name(FP4_E_FORMAT), "FP4_E_FORMAT") != 0) return 2;
    if (fp4_sampling_init(&sampling, sizeof sampling) != FP4_OK || sampling.size != sizeof sampling) return 3;
    if (fp4_gen_config_init(&config, sizeof config) != FP4_OK || config.prompt != NULL) return 4;
    if (fp4_build_info()[0] == '\0') return 5;
    return 0;
}
