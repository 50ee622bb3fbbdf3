/* A plugin for QEMU: counts how often each instruction is executed between two reads of SysTick's
   counter, by which our firmware marks what it measures. `mod.rs` compiles it, runs it and reads
   what it writes into the file that its argument `out=FILE` names:

       cut
       ADDRESS BYTES EXECUTED TAKEN UNALIGNED
       ...

   Each read of the counter writes `cut` and what ran since the read before. BYTES is the
   instruction as it lies in memory, in hexadecimal like the address. TAKEN says how often a branch
   went elsewhere than to the next instruction. UNALIGNED are the accesses more that its unaligned
   loads and stores are split into.

   The interface is declared here, of version 1 as QEMU 4.2 to 8.2 have it, since few systems
   install its header. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;

typedef void (*translated)(uint64_t id, struct qemu_plugin_tb *block);
typedef void (*executed)(unsigned core, void *data);
typedef void (*accessed)(unsigned core, uint32_t access, uint64_t address, void *data);

enum { NO_REGISTERS = 0, READS_AND_WRITES = 3, ADD_U64 = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, translated callback);
void qemu_plugin_register_vcpu_tb_exec_cb(
    struct qemu_plugin_tb *block, executed callback, int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(
    struct qemu_plugin_insn *instruction, executed callback, int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_inline(
    struct qemu_plugin_insn *instruction, int operation, void *to, uint64_t value);
void qemu_plugin_register_vcpu_mem_cb(
    struct qemu_plugin_insn *instruction, accessed callback, int flags, int which, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *instruction);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *instruction);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *instruction);
unsigned qemu_plugin_mem_size_shift(uint32_t access);
bool qemu_plugin_mem_is_store(uint32_t access);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

/* SysTick's current value. */
#define COUNTER 0xE000E018u

/* Code lies in the first megabytes, at even addresses. */
#define CODE_BYTES (4u << 20)

struct instruction {
    uint64_t executed, taken, unaligned;
    uint32_t address, size;
    unsigned char bytes[4];
};

/* By half of the address; the places of those that were translated are listed too. */
static struct instruction *instructions[CODE_BYTES / 2];
static struct instruction *known[CODE_BYTES / 2];
static size_t known_count;

/* The last instruction of a block that has just run. */
static struct instruction *ended;

static FILE *out;

static void fail(const char *problem) {
    fprintf(stderr, "plugin: %s\n", problem);
    exit(1);
}

/* The emulator gives more bytes for an instruction after which it looked at the next one, at the
   end of a page. */
static uint32_t size_of(const unsigned char *bytes) {
    return bytes[1] >= 0xE8 ? 4 : 2;
}

static struct instruction *find(const struct qemu_plugin_insn *at) {
    uint64_t address = qemu_plugin_insn_vaddr(at);
    if (address >= CODE_BYTES) fail("code beyond the first 4 megabytes");
    struct instruction **place = &instructions[address / 2];
    if (*place) return *place;
    struct instruction *found = calloc(1, sizeof *found);
    if (!found) fail("no memory");
    found->address = address;
    found->size = size_of(qemu_plugin_insn_data(at));
    if (found->size > qemu_plugin_insn_size(at)) fail("half of an instruction");
    memcpy(found->bytes, qemu_plugin_insn_data(at), found->size);
    return known[known_count++] = *place = found;
}

static void cut(void) {
    fputs("cut\n", out);
    for (size_t index = 0; index < known_count; index++) {
        struct instruction *of = known[index];
        if (!of->executed) continue;
        fprintf(out, "%x ", of->address);
        for (uint32_t byte = 0; byte < of->size; byte++) fprintf(out, "%02x", of->bytes[byte]);
        fprintf(out, " %llu %llu %llu\n", (unsigned long long)of->executed,
                (unsigned long long)of->taken, (unsigned long long)of->unaligned);
        of->executed = of->taken = of->unaligned = 0;
    }
}

/* An access of 2^shift bytes at an odd address is split into bytes and halfwords. */
static void access_memory(unsigned core, uint32_t access, uint64_t address, void *data) {
    struct instruction *of = data;
    unsigned shift = qemu_plugin_mem_size_shift(access);
    (void)core;
    if (shift == 1 && (address & 1)) of->unaligned += 1;
    if (shift == 2 && (address & 1)) of->unaligned += 2;
    if (shift == 2 && (address & 3) == 2) of->unaligned += 1;
    if (address == COUNTER && !qemu_plugin_mem_is_store(access)) cut();
}

static void end_block(unsigned core, void *data) {
    (void)core;
    ended = data;
}

static void begin_block(unsigned core, void *data) {
    struct instruction *first = data;
    (void)core;
    if (ended && ended->address + ended->size != first->address) ended->taken++;
    ended = NULL;
}

static void translate(uint64_t id, struct qemu_plugin_tb *block) {
    size_t count = qemu_plugin_tb_n_insns(block);
    (void)id;
    for (size_t index = 0; index < count; index++) {
        struct qemu_plugin_insn *at = qemu_plugin_tb_get_insn(block, index);
        struct instruction *of = find(at);
        if (index == 0)
            qemu_plugin_register_vcpu_tb_exec_cb(block, begin_block, NO_REGISTERS, of);
        if (index == count - 1)
            qemu_plugin_register_vcpu_insn_exec_cb(at, end_block, NO_REGISTERS, of);
        qemu_plugin_register_vcpu_insn_exec_inline(at, ADD_U64, &of->executed, 1);
        qemu_plugin_register_vcpu_mem_cb(at, access_memory, NO_REGISTERS, READS_AND_WRITES, of);
    }
}

__attribute__((visibility("default"))) int qemu_plugin_install(
    uint64_t id, const void *info, int count, char **arguments) {
    (void)info;
    if (count != 1 || strncmp(arguments[0], "out=", 4)) fail("wants out=FILE and nothing else");
    out = fopen(arguments[0] + 4, "w");
    if (!out) fail("cannot write the file that out= names");
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    return 0;
}
