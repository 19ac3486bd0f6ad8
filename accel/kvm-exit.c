/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exits; see kvm-exit.h.
 *
 * CPU threads.  What is behind the serial port's registers: kvm-serial.c.
 */
#include "qemu/osdep.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "accel/kvm-exit.h"
#include "accel/trace.h"

static KvmExit kvm_board_end(KvmBoard *board, const char *reason)
{
    board->ended(board->opaque, reason);
    return KVM_CPU_GUEST_ENDED;
}

static KvmExit kvm_board_debug_exit(KvmBoard *board, KvmCpu *cpu,
                                    unsigned value)
{
    g_autofree char *reason = NULL;

    trace_kvm_debug_exit(cpu->index, value);
    if (value) {
        reason = g_strdup_printf("it wrote %u to its debug-exit port", value);
    }
    return kvm_board_end(board, reason);
}

static bool is_serial_port(unsigned port)
{
    return port >= KVM_SERIAL_PORT &&
           port < KVM_SERIAL_PORT + KVM_SERIAL_NR_PORTS;
}

/* One access of 1, 2 or 4 bytes, wider ones byte by byte as on a PC's bus. */
static KvmExit kvm_board_port_out(KvmBoard *board, KvmCpu *cpu,
                                  unsigned port, const uint8_t *data,
                                  unsigned size)
{
    if (port == KVM_DEBUG_EXIT_PORT) {
        return kvm_board_debug_exit(board, cpu, data[0]);
    }
    if (!is_serial_port(port)) {
        trace_kvm_unknown_port(cpu->index, port, size, true);
        return KVM_CPU_GOES_ON;
    }
    for (unsigned i = 0; i < size && is_serial_port(port + i); i++) {
        kvm_serial_write(board->serial, port + i - KVM_SERIAL_PORT, data[i]);
    }
    return KVM_CPU_GOES_ON;
}

static void kvm_board_port_in(KvmBoard *board, KvmCpu *cpu, unsigned port,
                              uint8_t *data, unsigned size)
{
    memset(data, 0xff, size);
    if (!is_serial_port(port)) {
        trace_kvm_unknown_port(cpu->index, port, size, false);
        return;
    }
    for (unsigned i = 0; i < size && is_serial_port(port + i); i++) {
        data[i] = kvm_serial_read(board->serial, port + i - KVM_SERIAL_PORT);
    }
}

/* A string instruction brings several accesses at once. */
static KvmExit kvm_board_handle_io(KvmBoard *board, KvmCpu *cpu)
{
    uint8_t *data = (uint8_t *)cpu->run + cpu->run->io.data_offset;
    unsigned size = cpu->run->io.size;
    KvmExit exit = KVM_CPU_GOES_ON;

    for (uint32_t i = 0; i < cpu->run->io.count && exit == KVM_CPU_GOES_ON;
         i++, data += size) {
        if (cpu->run->io.direction == KVM_EXIT_IO_OUT) {
            exit = kvm_board_port_out(board, cpu, cpu->run->io.port, data,
                                      size);
        } else {
            kvm_board_port_in(board, cpu, cpu->run->io.port, data, size);
        }
    }
    return exit;
}

static KvmExit kvm_board_handle_mmio(KvmCpu *cpu)
{
    trace_kvm_unknown_memory(cpu->index, cpu->run->mmio.phys_addr,
                             cpu->run->mmio.len, cpu->run->mmio.is_write);
    if (!cpu->run->mmio.is_write) {
        memset(cpu->run->mmio.data, 0xff, sizeof(cpu->run->mmio.data));
    }
    return KVM_CPU_GOES_ON;
}

/* Where a CPU stands, for messages; 0 when the kernel does not tell. */
static uint64_t kvm_cpu_rip(KvmCpu *cpu)
{
    struct kvm_regs regs;

    return ioctl(cpu->fd, KVM_GET_REGS, &regs) == 0 ? regs.rip : 0;
}

/* A PC would start anew; this machine has no reset. */
static KvmExit kvm_board_handle_shutdown(KvmBoard *board, KvmCpu *cpu)
{
    g_autofree char *reason =
        g_strdup_printf("CPU %u had a triple fault at address 0x%" PRIx64,
                        cpu->index, kvm_cpu_rip(cpu));

    return kvm_board_end(board, reason);
}

/* Whatever else: not the guest has ended, KVM cannot run it any further. */
static KvmExit kvm_board_handle_failure(KvmBoard *board, KvmCpu *cpu)
{
    g_autofree char *reason = NULL;
    const struct kvm_run *run = cpu->run;

    switch (run->exit_reason) {
    case KVM_EXIT_FAIL_ENTRY:
        reason = g_strdup_printf("the state of CPU %u cannot be entered"
                                 " (hardware reason 0x%llx)", cpu->index,
                                 run->fail_entry.hardware_entry_failure_reason);
        break;
    case KVM_EXIT_INTERNAL_ERROR:
        reason = g_strdup_printf("KVM cannot go on with CPU %u at address 0x%"
                                 PRIx64 " (suberror %u)", cpu->index,
                                 kvm_cpu_rip(cpu), run->internal.suberror);
        break;
    case KVM_EXIT_UNKNOWN:
        reason = g_strdup_printf("KVM does not run CPU %u (error or reason"
                                 " %llu)", cpu->index,
                                 run->hw.hardware_exit_reason);
        break;
    default:
        reason = g_strdup_printf("CPU %u left the guest for the unknown reason"
                                 " %u", cpu->index, run->exit_reason);
        break;
    }
    board->stuck(board->opaque, reason);
    return KVM_CPU_GUEST_STUCK;
}

KvmExit kvm_board_handle_exit(void *opaque, KvmCpu *cpu)
{
    KvmBoard *board = opaque;

    switch (cpu->run->exit_reason) {
    case KVM_EXIT_IO:
        return kvm_board_handle_io(board, cpu);
    case KVM_EXIT_MMIO:
        return kvm_board_handle_mmio(cpu);
    case KVM_EXIT_HLT:
        trace_kvm_halt(cpu->index);
        return KVM_CPU_HALTED;
    case KVM_EXIT_DIRTY_RING_FULL:
        kvm_dirty_ring_full(board->ring, cpu);
        return KVM_CPU_GOES_ON;
    case KVM_EXIT_INTR:
    case KVM_EXIT_IRQ_WINDOW_OPEN:
    case KVM_EXIT_SET_TPR:
        return KVM_CPU_GOES_ON;
    case KVM_EXIT_SHUTDOWN:
        return kvm_board_handle_shutdown(board, cpu);
    default:
        return kvm_board_handle_failure(board, cpu);
    }
}
