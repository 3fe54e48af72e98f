#include "npc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { answer_tokens = 96, most_context = 1024 };

static int failed(npc* self, const char* what) {
    snprintf(self->error, sizeof self->error, "%s: %s", what, fp4_last_error());
    return 0;
}

int npc_open(npc* self, const char* model_path, const npc_config* config) {
    fp4_model_info info;
    fp4_ctx_config ctx_config;
    memset(self, 0, sizeof *self);
    self->config = *config;
    if (fp4_model_open(&self->model, model_path, NULL) != FP4_OK)
        return failed(self, "cannot open the model");
    info.size = sizeof info;
    if (fp4_model_info_get(self->model, &info) != FP4_OK) return failed(self, "cannot read the model");
    fp4_ctx_config_init(&ctx_config, sizeof ctx_config);
    ctx_config.capacity = info.context_length < most_context ? info.context_length : most_context;
    ctx_config.threads = config->threads;
    ctx_config.low_priority = config->threaded; /* the game's own thread comes first */
    if (fp4_ctx_create(&self->ctx, self->model, &ctx_config) != FP4_OK)
        return failed(self, "cannot create the context");
    return 1;
}

/* The prompt text, to be freed; NULL after a failure. Without a chat template it is the question itself. */
static char* prompt_of(npc* self, const char* question) {
    const fp4_message messages[2] = {{"system", self->config.persona}, {"user", question}};
    /* The model of a test has no room for both. */
    fp4_ctx_info info = {0};
    const fp4_message* first;
    size_t count, bytes = 0;
    char* prompt;
    info.size = sizeof info;
    fp4_ctx_info_get(self->ctx, &info);
    first = info.capacity < 512 ? messages + 1 : messages;
    count = (size_t)(messages + 2 - first);
    if (fp4_chat_format(self->model, NULL, first, count, NULL, FP4_CHAT_ADD_GENERATION_PROMPT, NULL, 0,
                        &bytes) != FP4_E_SPACE) {
        bytes = strlen(question);
        prompt = malloc(bytes + 1);
        if (prompt) memcpy(prompt, question, bytes + 1);
        return prompt;
    }
    prompt = malloc(bytes + 1);
    if (!prompt) return NULL;
    if (fp4_chat_format(self->model, NULL, first, count, NULL, FP4_CHAT_ADD_GENERATION_PROMPT, prompt, bytes,
                        &bytes) != FP4_OK) {
        free(prompt);
        return NULL;
    }
    prompt[bytes] = '\0';
    return prompt;
}

static void end_answer(npc* self) {
    fp4_gen_stats stats;
    stats.size = sizeof stats;
    if (fp4_gen_stats_get(self->gen, &stats) == FP4_OK) self->tokens += stats.generated_tokens;
    ++self->answers;
    fp4_gen_close(self->gen);
    self->gen = NULL;
}

int npc_ask(npc* self, const char* question) {
    fp4_gen_config config;
    fp4_sampling sampling;
    fp4_status status;
    char* prompt;
    if (self->gen) {
        fp4_gen_cancel(self->gen);
        end_answer(self);
    }
    self->text_bytes = 0;
    self->text[0] = '\0';
    /* Every question stands for itself here: the context begins anew. */
    if (fp4_ctx_truncate(self->ctx, 0) != FP4_OK) return failed(self, "cannot clear the context");
    prompt = prompt_of(self, question);
    if (!prompt) return failed(self, "cannot make the prompt");
    fp4_sampling_init(&sampling, sizeof sampling);
    sampling.temperature = 0.6f;
    sampling.seed = self->answers;
    fp4_gen_config_init(&config, sizeof config);
    config.prompt = prompt;
    config.sampling = &sampling;
    config.max_tokens = answer_tokens;
    config.flags = self->config.threaded ? FP4_GEN_THREADED : 0;
    status = fp4_gen_start(&self->gen, self->ctx, &config);
    free(prompt);
    return status == FP4_OK ? 1 : failed(self, "cannot begin the answer");
}

int npc_update(npc* self, uint64_t* elapsed_us) {
    fp4_step_info step;
    fp4_status status;
    size_t bytes, room;
    *elapsed_us = 0;
    if (!self->gen) return 1;
    if (!self->config.threaded) {
        memset(&step, 0, sizeof step);
        step.size = sizeof step;
        if (fp4_gen_step(self->gen, self->config.budget_us, &step) < 0) return failed(self, "cannot go on");
        *elapsed_us = step.elapsed_us;
        if (step.elapsed_us > self->longest_step_us) self->longest_step_us = step.elapsed_us;
        if (step.overrun_us > self->largest_overrun_us) self->largest_overrun_us = step.overrun_us;
    }
    do {
        /* A long answer loses its beginning. */
        if (sizeof self->text - self->text_bytes < 256) self->text_bytes = 0;
        room = sizeof self->text - 1 - self->text_bytes;
        status = fp4_gen_read(self->gen, self->text + self->text_bytes, room, &bytes, 0);
        if (status == FP4_E_TIMEOUT) break;
        if (status < 0) return failed(self, "cannot go on");
        self->text_bytes += bytes;
        self->all_bytes += bytes;
        self->text[self->text_bytes] = '\0';
    } while (status == FP4_MORE && bytes > 0);
    if (status == FP4_DONE) end_answer(self);
    return 1;
}

int npc_speaks(const npc* self) {
    return self->gen != NULL;
}

void npc_close(npc* self) {
    fp4_gen_close(self->gen);
    fp4_ctx_close(self->ctx);
    fp4_model_close(self->model);
    self->gen = NULL;
    self->ctx = NULL;
    self->model = NULL;
}
