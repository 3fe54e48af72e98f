/* A game loop of 60 frames a second with a character that talks: how libfp4 fits into a frame. */
#include <SDL.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame_times.h"
#include "npc.h"
#include "scene.h"

enum { picture_width = 480, picture_height = 270, frames_per_second = 60 };

static const char usage[] =
    "Usage: fp4-game-loop MODEL [OPTIONS]\n"
    "\n"
    "  --budget US   time for generation in each frame, in microseconds (default 4000)\n"
    "  --threaded    a thread of the library generates instead; frames only take the text\n"
    "  --threads N   threads of the model (default: one per core, with --threaded one less)\n"
    "  --frames N    without a player: half of N frames silent, half generating, then the end\n"
    "  --headless    no window\n"
    "  --picture F   writes the last frame as a BMP file\n"
    "  --json        prints the frame times as JSON\n"
    "\n"
    "Space: the next question. Escape: the end. Then it prints the distribution of frame times.\n";

static const char* const questions[] = {"What do you see from up there?", "Do you never feel lonely?",
                                        "Tell me about the worst storm you saw.", "Why is the sea salty?"};

static const char persona[] =
    "You are Sable, a lighthouse keeper. You are friendly and answer in one or two short sentences.";

typedef struct {
    const char* model;
    const char* picture_file;
    npc_config npc;
    unsigned long frames; /* 0: until the player ends it */
    int headless, json;
} options;

typedef struct {
    npc npc;
    SDL_Window* window;
    SDL_Renderer* renderer;
    SDL_Texture* texture;
    picture picture;
    const char* question;
    size_t asked;
    frame_times silent, generating, steps, delays;
    int ended;
} game;

static int wrong_usage(const char* what, const char* word) {
    fprintf(stderr, "fp4-game-loop: %s%s\n\n%s", what, word, usage);
    return 0;
}

static int read_number(const char* word, unsigned long* value) {
    char* end;
    if (!word || *word < '0' || *word > '9') return 0;
    *value = strtoul(word, &end, 10);
    return *end == '\0' && *value <= 1000000000;
}

static int read_options(options* to, int count, char** words) {
    int i;
    memset(to, 0, sizeof *to);
    to->npc.persona = persona;
    to->npc.budget_us = 4000;
    for (i = 1; i < count; ++i) {
        const char* word = words[i];
        unsigned long number = 0;
        if (!strcmp(word, "--threaded")) {
            to->npc.threaded = 1;
        } else if (!strcmp(word, "--headless")) {
            to->headless = 1;
        } else if (!strcmp(word, "--json")) {
            to->json = 1;
        } else if (!strcmp(word, "--picture")) {
            to->picture_file = words[++i]; /* NULL at the end of the words */
            if (!to->picture_file) return wrong_usage("it needs a file: ", word);
        } else if (!strcmp(word, "--budget") || !strcmp(word, "--threads") || !strcmp(word, "--frames")) {
            if (!read_number(words[++i], &number)) return wrong_usage("it needs a whole number: ", word);
            if (word[2] == 'b') to->npc.budget_us = (uint32_t)number;
            if (word[2] == 'f') to->frames = number;
            if (word[2] == 't') to->npc.threads = (int)number;
        } else if (word[0] == '-' || to->model) {
            return wrong_usage("unknown argument ", word);
        } else {
            to->model = word;
        }
    }
    if (!to->model) return wrong_usage("a model is missing", "");
    if (to->npc.threaded && to->npc.threads == 0) {
        int cores = SDL_GetCPUCount();
        to->npc.threads = cores > 1 ? cores - 1 : 1; /* one core is the game's */
    }
    return 1;
}

static int sdl_failed(const char* what) {
    fprintf(stderr, "fp4-game-loop: %s: %s\n", what, SDL_GetError());
    return 0;
}

static int open_window(game* self, int headless) {
    if (headless) SDL_SetHint(SDL_HINT_VIDEODRIVER, "dummy");
    if (SDL_Init(SDL_INIT_VIDEO) != 0) return sdl_failed("cannot start SDL (without a display: --headless)");
    self->window = SDL_CreateWindow("libfp4: game loop", SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED,
                                    2 * picture_width, 2 * picture_height, SDL_WINDOW_RESIZABLE);
    if (!self->window) return sdl_failed("cannot open a window");
    self->renderer = SDL_CreateRenderer(self->window, -1, headless ? SDL_RENDERER_SOFTWARE : 0);
    if (!self->renderer) return sdl_failed("cannot draw");
    self->texture = SDL_CreateTexture(self->renderer, SDL_PIXELFORMAT_RGB888, SDL_TEXTUREACCESS_STREAMING,
                                      picture_width, picture_height);
    if (!self->texture) return sdl_failed("cannot draw");
    self->picture.width = picture_width;
    self->picture.height = picture_height;
    self->picture.pixels = malloc(sizeof(uint32_t) * picture_width * picture_height);
    return self->picture.pixels ? 1 : sdl_failed("no memory");
}

static int ask_next(game* self) {
    self->question = questions[self->asked++ % (sizeof questions / sizeof *questions)];
    return npc_ask(&self->npc, self->question);
}

static int handle_events(game* self) {
    SDL_Event event;
    while (SDL_PollEvent(&event)) {
        if (event.type == SDL_QUIT) self->ended = 1;
        if (event.type == SDL_KEYDOWN && event.key.keysym.sym == SDLK_ESCAPE) self->ended = 1;
        if (event.type == SDL_KEYDOWN && event.key.keysym.sym == SDLK_SPACE && !event.key.repeat &&
            !ask_next(self))
            return 0;
    }
    return 1;
}

static void draw(game* self, double seconds) {
    const scene_state state = {seconds, npc_speaks(&self->npc) && self->npc.text_bytes > 0,
                               self->question ? self->question : "Space: ask Sable something. Escape: leave.",
                               self->npc.text};
    scene_draw(&self->picture, &state);
    SDL_UpdateTexture(self->texture, NULL, self->picture.pixels, self->picture.width * (int)sizeof(uint32_t));
    SDL_RenderCopy(self->renderer, self->texture, NULL, NULL);
    SDL_RenderPresent(self->renderer);
}

/* Sleeps until the counter is at deadline: coarsely, so that the processor is free for the library's threads.
 */
static void wait_until(Uint64 deadline, double ticks_per_ms) {
    Uint64 now = SDL_GetPerformanceCounter();
    if (now < deadline) SDL_Delay((Uint32)((double)(deadline - now) / ticks_per_ms));
}

static int run(game* self, const options* with) {
    const double ticks_per_ms = (double)SDL_GetPerformanceFrequency() / 1000;
    const Uint64 begin = SDL_GetPerformanceCounter();
    const Uint64 period = (Uint64)(ticks_per_ms * 1000 / frames_per_second);
    Uint64 due = begin;
    unsigned long frame;
    for (frame = 0; !self->ended && (with->frames == 0 || frame < with->frames); ++frame) {
        const Uint64 start = SDL_GetPerformanceCounter();
        uint64_t step_us = 0;
        int spoke;
        double work_ms;
        if (frame && !frame_times_add(&self->delays, start > due ? (double)(start - due) / ticks_per_ms : 0))
            return sdl_failed("no memory");
        if (start > due + period) due = start; /* no catching up with frames that were missed */
        if (!handle_events(self)) return 0;
        if (with->frames && frame >= with->frames / 2 && !npc_speaks(&self->npc) && !ask_next(self)) return 0;
        spoke = npc_speaks(&self->npc);
        if (!npc_update(&self->npc, &step_us)) return 0;
        draw(self, (double)(start - begin) / ticks_per_ms / 1000);
        work_ms = (double)(SDL_GetPerformanceCounter() - start) / ticks_per_ms;
        if (!frame_times_add(spoke ? &self->generating : &self->silent, work_ms) ||
            (step_us && !frame_times_add(&self->steps, (double)step_us / 1000)))
            return sdl_failed("no memory");
        due += period;
        wait_until(due, ticks_per_ms);
    }
    return 1;
}

static void print_row(const char* name, const frame_times* times) {
    const frame_distribution d = frame_times_distribution(times);
    if (!d.count) return;
    printf("%-22s %7lu %8.2f %8.2f %8.2f %8.2f %6lu\n", name, (unsigned long)d.count, d.p50, d.p95, d.p99,
           d.max, (unsigned long)d.late);
}

static void print_table(const game* self, const options* with) {
    printf("%-22s %7s %8s %8s %8s %8s %6s\n", "milliseconds", "frames", "p50", "p95", "p99", "max", "late");
    print_row("silent frames", &self->silent);
    print_row("generating frames", &self->generating);
    print_row("generation's step", &self->steps);
    print_row("begins late by", &self->delays);
    printf("late: over 16.67 ms. ");
    if (with->npc.threaded) {
        printf("Threaded, %d threads; ", with->npc.threads);
    } else {
        printf("Budget %.1f ms, largest overrun %.2f ms; ", with->npc.budget_us / 1000.0,
               (double)self->npc.largest_overrun_us / 1000);
    }
    printf("%lu answers, %lu tokens.\n", (unsigned long)self->npc.answers, (unsigned long)self->npc.tokens);
}

static void print_json_row(const char* name, const frame_times* times) {
    const frame_distribution d = frame_times_distribution(times);
    printf(
        "\"%s\": {\"frames\": %lu, \"p50\": %.4f, \"p95\": %.4f, \"p99\": %.4f, \"max\": %.4f, \"late\": "
        "%lu}, ",
        name, (unsigned long)d.count, d.p50, d.p95, d.p99, d.max, (unsigned long)d.late);
}

static void print_json(const game* self, const options* with) {
    printf("{");
    print_json_row("silent_ms", &self->silent);
    print_json_row("generating_ms", &self->generating);
    print_json_row("step_ms", &self->steps);
    print_json_row("delay_ms", &self->delays);
    printf("\"threaded\": %s, \"budget_us\": %lu, \"largest_overrun_us\": %lu, \"longest_step_us\": %lu, ",
           with->npc.threaded ? "true" : "false", (unsigned long)with->npc.budget_us,
           (unsigned long)self->npc.largest_overrun_us, (unsigned long)self->npc.longest_step_us);
    printf("\"answers\": %lu, \"tokens\": %lu, \"text_bytes\": %lu}\n", (unsigned long)self->npc.answers,
           (unsigned long)self->npc.tokens, (unsigned long)self->npc.all_bytes);
}

static int save_picture(const game* self, const char* path) {
    SDL_Surface* surface = SDL_CreateRGBSurfaceWithFormatFrom(
        self->picture.pixels, self->picture.width, self->picture.height, 32,
        self->picture.width * (int)sizeof(uint32_t), SDL_PIXELFORMAT_RGB888);
    int done = surface && SDL_SaveBMP(surface, path) == 0;
    SDL_FreeSurface(surface);
    return done ? 1 : sdl_failed("cannot write the picture");
}

static void close_game(game* self) {
    npc_close(&self->npc);
    frame_times_free(&self->silent);
    frame_times_free(&self->generating);
    frame_times_free(&self->steps);
    frame_times_free(&self->delays);
    free(self->picture.pixels);
    SDL_DestroyTexture(self->texture);
    SDL_DestroyRenderer(self->renderer);
    SDL_DestroyWindow(self->window);
    SDL_Quit();
}

int main(int argument_count, char** arguments) {
    options with;
    game self;
    int fine;
    if (argument_count == 2 && (!strcmp(arguments[1], "--help") || !strcmp(arguments[1], "-h"))) {
        fputs(usage, stdout);
        return 0;
    }
    if (!read_options(&with, argument_count, arguments)) return 2;
    memset(&self, 0, sizeof self);
    fine = npc_open(&self.npc, with.model, &with.npc);
    fine = fine && open_window(&self, with.headless) && run(&self, &with);
    if (fine && with.picture_file) fine = save_picture(&self, with.picture_file);
    if (self.npc.error[0]) fprintf(stderr, "fp4-game-loop: %s\n", self.npc.error);
    if (fine && with.json) print_json(&self, &with);
    if (fine && !with.json) print_table(&self, &with);
    close_game(&self);
    return fine ? 0 : 1;
}
