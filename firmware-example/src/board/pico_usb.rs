//! The USB clock of Raspberry Pi's boards. Their HALs are two crates with the same names.

/// Starts the clocks by the crate `$hal` from the crystal of the boards, 12 MHz; the USB clock.
macro_rules! usb_clock {
    ($hal:ident, $chip:ident) => {{
        let mut watchdog = $hal::Watchdog::new($chip.WATCHDOG);
        let clocks = $hal::clocks::init_clocks_and_plls(
            12_000_000,
            $chip.XOSC,
            $chip.CLOCKS,
            $chip.PLL_SYS,
            $chip.PLL_USB,
            &mut $chip.RESETS,
            &mut watchdog,
        );
        clocks.ok().unwrap().usb_clock
    }};
}

pub(super) use usb_clock;
