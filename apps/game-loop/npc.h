/* A character that talks: a model, a context and an answer under way. Everything goes through fp4.h. */
#ifndef NPC_H
#define NPC_H

#include <fp4.h>

typedef struct {
    const char* persona; /* who it is, for the model; must live as long as the npc */
    uint32_t budget_us;  /* of each frame; not used when threaded */
    int threaded;        /* a thread of the library generates; frames only take the text */
    int threads;         /* 0: one per core, when threaded one less */
} npc_config;

typedef struct {
    npc_config config;
    fp4_model* model;
    fp4_ctx* ctx;
    fp4_gen* gen;    /* NULL while silent */
    char text[2048]; /* the answer so far, terminated */
    size_t text_bytes;
    uint64_t answers, tokens, all_bytes; /* of all answers */
    uint64_t largest_overrun_us, longest_step_us;
    char error[512]; /* of the last call that failed, terminated */
} npc;

/* These give 0 after a failure; npc.error then says why. npc_close is safe after each. */
int npc_open(npc* self, const char* model_path, const npc_config* config);

/* Begins an answer to a question; one that is under way ends. */
int npc_ask(npc* self, const char* question);

/* One frame's work: at most about budget_us of generation, and taking the text. elapsed_us: of the step. */
int npc_update(npc* self, uint64_t* elapsed_us);

int npc_speaks(const npc* self);
void npc_close(npc* self);

#endif
