//! Which byte of an x86 image holds its checksum.
//!
//! No specification says. iPXE, SeaBIOS and QEMU's own edits of ids use byte
//! 6, after a jump of three bytes at the entry point; QEMU's linuxboot and the
//! like use the last byte, and code stands at their byte 6. Changing a byte
//! that is code breaks the image while its sum looks right, so an image with
//! neither sign is refused.

use super::NoChecksumByte;
use crate::bytes::sum8;
use crate::rom::Image;

/// Offset in the image of the byte that holds the checksum of an x86 image.
pub(super) fn checksum_byte(image: &Image<'_>) -> Result<usize, NoChecksumByte> {
    let bytes = image.bytes();
    let last = bytes.len().saturating_sub(1);
    let follows_padding = || {
        let before = last.checked_sub(1).and_then(|at| bytes.get(at));
        before.is_some_and(|byte| matches!(byte, 0 | 0xff))
    };
    if byte_6_is_free(bytes, image.pcir().is_some()) {
        Ok(6)
    } else if follows_padding() {
        Ok(last)
    } else {
        Err(NoChecksumByte {
            number: image.number(),
        })
    }
}

/// Whether the entry point at byte 3 leads past byte 6, and nothing else uses
/// the bytes around it. An ISA ROM that only returns keeps its checksum in
/// the last byte.
fn byte_6_is_free(image: &[u8], is_pci: bool) -> bool {
    let leads_past = match image.get(3..6) {
        Some([0xe9, low, high]) => (*low, *high) != (0, 0),
        Some([0xeb, distance, _]) => *distance > 1,
        Some([0xcb, ..]) => is_pci,
        _ => false,
    };
    let unused = image.get(7..0x10);
    leads_past && unused.is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0))
}

/// Gives `image` the sum `wanted` by changing its byte at `at`.
pub(super) fn balance(image: &mut [u8], at: usize, wanted: u8) {
    let excess = sum8(image).wrapping_sub(wanted);
    let byte = image.get_mut(at);
    debug_assert!(byte.is_some(), "{at:#x} is behind the image");
    if let Some(byte) = byte {
        *byte = byte.wrapping_sub(excess);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(start: &[u8], is_pci: bool) -> bool {
        let mut image = vec![0; 0x20];
        image[..start.len()].copy_from_slice(start);
        byte_6_is_free(&image, is_pci)
    }

    #[test]
    fn byte_6_is_free_after_a_jump_past_it() {
        assert!(free(&[0x55, 0xaa, 2, 0xe9, 0xa2, 0, 0x68], true));
        assert!(free(&[0x55, 0xaa, 2, 0xe9, 0x92, 0x55, 0x01], false));
        assert!(free(&[0x55, 0xaa, 2, 0xeb, 0x40], true));
        assert!(free(&[0x55, 0xaa, 2, 0xcb], true));
    }

    #[test]
    fn byte_6_is_not_free_where_code_or_data_may_stand() {
        assert!(!free(&[0x55, 0xaa, 2, 0xe9, 0, 0], true), "jump to byte 6");
        assert!(!free(&[0x55, 0xaa, 2, 0xeb, 1], true), "jump to byte 6");
        assert!(!free(&[0x55, 0xaa, 2, 6, 0xe, 7, 0x31], true), "code");
        assert!(!free(&[0x55, 0xaa, 2, 0xcb], false), "linuxboot");
        let sgabios = [0x55, 0xaa, 8, 0xe9, 0x4c, 0xa, 0xe9, 0x46, 0xa];
        assert!(!free(&sgabios, false), "a second jump");
        assert!(!byte_6_is_free(&[0x55, 0xaa, 2, 0xe9, 1, 1], true), "cut");
    }
}
