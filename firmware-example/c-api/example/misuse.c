#include "board.h"
#include "misuse.h"

extern const uint8_t model[], model_end[], images[], stream[], stream_end[];

/* Layers of the models. */
#define LAYERS 6
#define STREAM_LAYERS 15

static int8_t arena[16384] __attribute__((aligned(16)));
static uint8_t memory[KINDLING_STREAM_HANDLE_BYTES(STREAM_LAYERS)] __attribute__((aligned(16)));
static uint8_t other[KINDLING_HANDLE_BYTES(LAYERS)] __attribute__((aligned(16)));
/* The model once more, where it can be damaged. */
static uint8_t copy[393216] __attribute__((aligned(16)));

bool same(const int8_t *scores, const int8_t *others, size_t values) {
    for (size_t at = 0; at < values; at++)
        if (scores[at] != others[at]) return false;
    return true;
}

static uint32_t calls;

/* Ends the program unless a call of line `line` gave the status. */
static void check(KindlingStatus found, KindlingStatus expected, uint32_t line) {
    calls++;
    if (found == expected) return;
    print("C: misuse.c:", line, ": ");
    print("status ", found, "");
    print(" in place of ", expected, "\n");
    end(kindling_status_text(found), 0);
}

#define EXPECT(status, call) check(call, KINDLING_STATUS_##status, __LINE__)

static void fill(uint8_t *to, const uint8_t *from, size_t bytes) {
    for (size_t at = 0; at < bytes; at++) to[at] = from[at];
}

static KindlingHandle *handle;

/* Loads the model, as it should be. */
static void load(void) {
    const size_t bytes = (size_t)(model_end - model);
    EXPECT(OK, kindling_load(memory, sizeof memory, model, bytes, &handle, NULL));
}

static void load_wrongly(void) {
    const size_t bytes = (size_t)(model_end - model), small = KINDLING_HANDLE_BYTES(LAYERS - 1);
    size_t layer = 0, handle_bytes, arena_bytes;
    EXPECT(NULL_POINTER, kindling_load(NULL, sizeof memory, model, bytes, &handle, NULL));
    EXPECT(NULL_POINTER, kindling_load(memory, sizeof memory, NULL, bytes, &handle, NULL));
    EXPECT(NULL_POINTER, kindling_load(memory, sizeof memory, model, bytes, NULL, NULL));
    EXPECT(NULL_POINTER, kindling_needs(model, bytes, NULL, &arena_bytes));
    EXPECT(NOT_A_MODEL, kindling_needs(images, 784, &handle_bytes, &arena_bytes));
    EXPECT(HANDLE_MISALIGNED, kindling_load(memory + 1, 1024, model, bytes, &handle, NULL));
    EXPECT(HANDLE_MISALIGNED, kindling_load(memory + 8, 1024, model, bytes, &handle, NULL));
    EXPECT(HANDLE_TOO_SMALL, kindling_load(memory, 0, model, bytes, &handle, NULL));
    EXPECT(HANDLE_TOO_SMALL, kindling_load(memory, 64, model, bytes, &handle, NULL));
    EXPECT(TOO_MANY_LAYERS, kindling_load(memory, small, model, bytes, &handle, NULL));
    EXPECT(OVERLAP, kindling_load(copy, sizeof copy, copy + 1024, 1024, &handle, NULL));
    EXPECT(NOT_A_MODEL, kindling_load(memory, sizeof memory, images, 784, &handle, NULL));
    EXPECT(NOT_A_MODEL, kindling_load(memory, sizeof memory, model, 0, &handle, NULL));
    EXPECT(MODEL_DAMAGED, kindling_load(memory, sizeof memory, model, bytes - 1, &handle, NULL));
    EXPECT(NO_BUILT_IN_MODEL, kindling_load_built_in(memory, sizeof memory, &handle));
    EXPECT(NULL_POINTER, kindling_load_built_in(memory, sizeof memory, NULL));
    fill(copy + 4, model, bytes);
    EXPECT(MODEL_MISALIGNED,
           kindling_load(memory, sizeof memory, copy + 4, bytes, &handle, &layer));
    if (layer != SIZE_MAX) end("C: a layer is to blame for an address\n", 0);
    fill(copy, model, bytes);
    copy[bytes / 2] ^= 1;
    EXPECT(MODEL_DAMAGED, kindling_load(memory, sizeof memory, copy, bytes, &handle, NULL));
    copy[4]++;
    EXPECT(MODEL_FORMAT, kindling_load(memory, sizeof memory, copy, bytes, &handle, NULL));
    if (handle != NULL) end("C: a handle of a model that was refused\n", 0);
    EXPECT(NULL_POINTER, kindling_run_u8(handle, arena, sizeof arena, images, 784));
    if (kindling_missing_part(memory, sizeof memory, model, bytes) != NULL ||
        kindling_missing_part(memory, sizeof memory, copy, bytes) != NULL ||
        kindling_missing_part(NULL, 0, NULL, 0) != NULL)
        end("C: a part is missing of a library with all parts\n", 0);
}

/* Handles that are none. */
static void use_what_is_not_loaded(void) {
    size_t best;
    int8_t scores[10];
    bool more;
    KindlingInfo info;
    KindlingHandle *wrong = (KindlingHandle *)other;
    EXPECT(NOT_LOADED, kindling_run_u8(wrong, arena, sizeof arena, images, 784));
    EXPECT(NOT_LOADED, kindling_info(wrong, &info));
    EXPECT(NOT_LOADED, kindling_step(wrong, &more));
    EXPECT(NOT_LOADED, kindling_finish(wrong));
    EXPECT(NOT_LOADED, kindling_begin_stream(wrong, arena, sizeof arena));
    EXPECT(NOT_LOADED, kindling_scores(wrong, 0, scores, 10, &best));
    EXPECT(HANDLE_MISALIGNED, kindling_info((KindlingHandle *)(other + 4), &info));
    /* A handle after a load that failed. */
    load();
    wrong = handle;
    EXPECT(NOT_A_MODEL, kindling_load(memory, sizeof memory, images, 784, &handle, NULL));
    EXPECT(NOT_LOADED, kindling_run_u8(wrong, arena, sizeof arena, images, 784));
    /* A handle whose memory was used to name a part. */
    load();
    kindling_missing_part(memory, sizeof memory, model, (size_t)(model_end - model));
    EXPECT(NOT_LOADED, kindling_run_u8(handle, arena, sizeof arena, images, 784));
    /* A handle that was moved. */
    load();
    fill(other, memory, sizeof other);
    EXPECT(NOT_LOADED, kindling_run_u8((KindlingHandle *)other, arena, sizeof arena, images, 784));
    /* Handles whose ends were overwritten. */
    memory[0] ^= 1;
    EXPECT(NOT_LOADED, kindling_run_u8(handle, arena, sizeof arena, images, 784));
    load();
    memory[sizeof memory - 1] ^= 1;
    EXPECT(NOT_LOADED, kindling_run_u8(handle, arena, sizeof arena, images, 784));
    /* A model that was replaced. */
    const size_t bytes = (size_t)(model_end - model);
    fill(copy, model, bytes);
    EXPECT(OK, kindling_load(memory, sizeof memory, copy, bytes, &handle, NULL));
    fill(copy, stream, (size_t)(stream_end - stream));
    EXPECT(MODEL_CHANGED, kindling_run_u8(handle, arena, sizeof arena, images, 784));
}

static void run_wrongly(void) {
    size_t best, values;
    int8_t scores[10];
    float reals[10];
    int8_t *const on_model = (int8_t *)(uintptr_t)model;
    float *const misaligned = (float *)(void *)(copy + 1);
    const uint8_t *const in_arena = (const uint8_t *)arena + 8000;
    KindlingInfo info;
    load();
    EXPECT(OK, kindling_info(handle, &info));
    EXPECT(NOT_BEGUN, kindling_scores(handle, 0, scores, 10, &best));
    EXPECT(NOT_BEGUN, kindling_error_u8(handle, images, 784, reals));
    EXPECT(NULL_POINTER, kindling_run_u8(handle, NULL, sizeof arena, images, 784));
    EXPECT(NULL_POINTER, kindling_run_u8(handle, arena, sizeof arena, NULL, 784));
    EXPECT(NULL_POINTER, kindling_info(handle, NULL));
    EXPECT(ARENA_TOO_SMALL, kindling_run_u8(handle, arena, info.arena_bytes - 1, images, 784));
    EXPECT(ARENA_TOO_SMALL, kindling_run_u8(handle, arena, 0, images, 784));
    EXPECT(ARENA_MISALIGNED, kindling_run_u8(handle, arena + 1, 8192, images, 784));
    EXPECT(ARENA_MISALIGNED, kindling_run_u8(handle, arena + 4, 8192, images, 784));
    EXPECT(WRONG_SIZE, kindling_run_u8(handle, arena, sizeof arena, images, 783));
    EXPECT(WRONG_SIZE, kindling_run_u8(handle, arena, sizeof arena, images, SIZE_MAX));
    EXPECT(WRONG_SIZE, kindling_run_u8(handle, arena, SIZE_MAX, images, 784));
    EXPECT(WRONG_TYPE, kindling_run_i8(handle, arena, sizeof arena, scores, 784));
    EXPECT(WRONG_TYPE, kindling_run_f32(handle, arena, sizeof arena, reals, 10));
    EXPECT(VALUES_MISALIGNED, kindling_run_f32(handle, arena, sizeof arena, misaligned, 784));
    EXPECT(OVERLAP, kindling_run_u8(handle, arena, sizeof arena, in_arena, 784));
    EXPECT(OVERLAP, kindling_run_u8(handle, (int8_t *)memory, sizeof memory, images, 784));
    EXPECT(OVERLAP, kindling_run_u8(handle, on_model, 16384, images, 784));
    EXPECT(NOT_BEGUN, kindling_scores(handle, 0, scores, 10, &best));
    EXPECT(OK, kindling_run_u8(handle, arena, sizeof arena, images, 784));
    EXPECT(NULL_POINTER, kindling_scores(handle, 0, NULL, 10, &best));
    EXPECT(OUTPUT_TOO_SMALL, kindling_scores(handle, 0, scores, 9, &best));
    EXPECT(OVERLAP, kindling_scores(handle, 0, arena, 10, &best));
    EXPECT(WRONG_OUTPUT, kindling_scores(handle, 1, scores, 10, &best));
    EXPECT(WRONG_OUTPUT, kindling_output_values(handle, 1, &values));
    EXPECT(WRONG_OUTPUT, kindling_reals(handle, 0, reals, 10));
    EXPECT(WRONG_OUTPUT, kindling_error_u8(handle, images, 784, reals));
    EXPECT(WRONG_OUTPUT, kindling_error_i8(handle, scores, 10, reals));
    EXPECT(WRONG_OUTPUT, kindling_error_f32(handle, reals, 10, reals));
    EXPECT(VALUES_MISALIGNED, kindling_error_f32(handle, misaligned, 10, reals));
    EXPECT(OVERLAP, kindling_error_u8(handle, in_arena, 784, reals));
    EXPECT(OVERLAP, kindling_error_u8(handle, images, 784, (float *)(void *)arena));
    EXPECT(NULL_POINTER, kindling_error_u8(handle, images, 784, NULL));
    EXPECT(NULL_POINTER, kindling_error_u8(handle, NULL, 784, reals));
    EXPECT(WRONG_OUTPUT, kindling_threshold(handle, reals));
    EXPECT(OVERLAP, kindling_threshold(handle, (float *)(void *)handle));
    EXPECT(NULL_POINTER, kindling_threshold(handle, NULL));
    EXPECT(VALUES_MISALIGNED, kindling_probabilities(handle, 0, misaligned, 10));
    /* None of that has ended the run's outputs. */
    EXPECT(OK, kindling_scores(handle, 0, scores, 10, NULL));
}

static void go_on_wrongly(void) {
    int8_t scores[10], rows_before[10];
    float reals[28];
    bool more;
    load();
    EXPECT(NOT_BEGUN, kindling_step(handle, &more));
    EXPECT(NOT_BEGUN, kindling_finish(handle));
    EXPECT(NOT_BEGUN, kindling_push_row_u8(handle, images, 28));
    EXPECT(NOT_BEGUN, kindling_push_u8(handle, images, 28, &more));
    EXPECT(NOT_BEGUN, kindling_reset_stream(handle));
    EXPECT(WRONG_TYPE, kindling_begin_i8(handle, arena, sizeof arena, scores, 784));
    EXPECT(WRONG_TYPE, kindling_begin_f32(handle, arena, sizeof arena, reals, 28));
    EXPECT(WRONG_SIZE, kindling_begin_u8(handle, arena, sizeof arena, images, 785));
    EXPECT(NOT_BEGUN, kindling_step(handle, &more));
    EXPECT(OK, kindling_begin_u8(handle, arena, sizeof arena, images, 784));
    EXPECT(NULL_POINTER, kindling_step(handle, NULL));
    EXPECT(NOT_FINISHED, kindling_scores(handle, 0, scores, 10, NULL));
    EXPECT(NOT_BEGUN, kindling_push_row_u8(handle, images, 28));
    /* A run that is left for another one. */
    EXPECT(OK, kindling_run_u8(handle, arena, sizeof arena, images, 784));
    EXPECT(OK, kindling_scores(handle, 0, scores, 10, NULL));
    EXPECT(NOT_BEGUN, kindling_step(handle, &more));
    EXPECT(ARENA_TOO_SMALL, kindling_begin_rows(handle, arena, 16));
    EXPECT(OK, kindling_begin_rows(handle, arena, sizeof arena));
    EXPECT(WRONG_SIZE, kindling_push_row_u8(handle, images, 27));
    EXPECT(WRONG_TYPE, kindling_push_row_i8(handle, scores, 10));
    EXPECT(WRONG_TYPE, kindling_push_row_f32(handle, reals, 28));
    EXPECT(OVERLAP, kindling_push_row_u8(handle, (const uint8_t *)arena, 28));
    EXPECT(NOT_BEGUN, kindling_step(handle, &more));
    for (size_t row = 0; row < 28; row++) {
        EXPECT(TOO_FEW_ROWS, kindling_finish(handle));
        EXPECT(OK, kindling_push_row_u8(handle, images + row * 28, 28));
    }
    EXPECT(TOO_MANY_ROWS, kindling_push_row_u8(handle, images, 28));
    EXPECT(OK, kindling_finish(handle));
    EXPECT(OK, kindling_scores(handle, 0, rows_before, 10, NULL));
    if (!same(scores, rows_before, 10)) end("C: what was refused changed the scores\n", 0);
    EXPECT(NOT_BEGUN, kindling_finish(handle));
}

static void stream_wrongly(void) {
    const size_t bytes = (size_t)(stream_end - stream);
    const size_t plain = KINDLING_HANDLE_BYTES(STREAM_LAYERS);
    bool has_output;
    int8_t scores[6];
    float reals[6];
    load();
    EXPECT(NOT_A_STREAM, kindling_begin_stream(handle, arena, sizeof arena));
    EXPECT(OK, kindling_load(memory, plain, stream, bytes, &handle, NULL));
    EXPECT(HANDLE_TOO_SMALL, kindling_begin_stream(handle, arena, sizeof arena));
    EXPECT(OK, kindling_load(memory, sizeof memory, stream, bytes, &handle, NULL));
    EXPECT(ARENA_TOO_SMALL, kindling_begin_stream(handle, arena, 64));
    EXPECT(NOT_BEGUN, kindling_push_u8(handle, images, 6, &has_output));
    EXPECT(OK, kindling_begin_stream(handle, arena, sizeof arena));
    EXPECT(NULL_POINTER, kindling_push_u8(handle, images, 6, NULL));
    EXPECT(NULL_POINTER, kindling_push_u8(handle, NULL, 6, &has_output));
    EXPECT(WRONG_SIZE, kindling_push_u8(handle, images, 5, &has_output));
    EXPECT(WRONG_TYPE, kindling_push_i8(handle, scores, 6, &has_output));
    EXPECT(WRONG_TYPE, kindling_push_f32(handle, reals, 6, &has_output));
    EXPECT(NOT_FINISHED, kindling_scores(handle, 0, scores, 4, NULL));
    EXPECT(WRONG_OUTPUT, kindling_scores(handle, 1, scores, 4, NULL));
    EXPECT(NOT_BEGUN, kindling_push_row_u8(handle, images, 6));
    EXPECT(OK, kindling_push_u8(handle, images, 6, &has_output));
    EXPECT(OK, kindling_reset_stream(handle));
}

void misuse(void) {
    load_wrongly();
    use_what_is_not_loaded();
    run_wrongly();
    go_on_wrongly();
    stream_wrongly();
    if (kindling_status_text(-1) != kindling_status_text(1000)) end("C: no text\n", 0);
    print("C: ", calls, " calls gave the status that they must\n");
}
