//! The list of further devices that an image is for.

/// Device ids beside the one in the PCI Data Structure, all of the same
/// vendor; a word of 0 ends the list.
///
/// PCI Firmware Specification 3.3, section 5.1.2 (device list pointer,
/// revision 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceList<'a> {
    at: usize,
    words: &'a [[u8; 2]],
}

impl<'a> DeviceList<'a> {
    /// The list at `at` of an image, or `None` outside of it.
    pub(super) fn find(image: &'a [u8], at: usize) -> Option<Self> {
        let (words, _) = image.get(at..)?.as_chunks();
        (!words.is_empty()).then_some(Self { at, words })
    }

    /// Offset of the list from the start of the image, in bytes.
    #[must_use]
    pub const fn offset(self) -> usize {
        self.at
    }

    /// The device ids, up to the word that ends the list.
    pub fn ids(self) -> impl Iterator<Item = u16> {
        let ids = self.words.iter().map(|word| u16::from_le_bytes(*word));
        ids.take_while(|id| *id != 0)
    }

    /// Whether a word of 0 ends the list before the image ends.
    #[must_use]
    pub fn is_terminated(self) -> bool {
        self.words.contains(&[0, 0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends_at_the_word_0() {
        let list = DeviceList::find(&[9, 0x41, 0x10, 0x00, 0x10, 0, 0, 7, 7], 1).unwrap();
        assert_eq!(list.ids().collect::<Vec<_>>(), [0x1041, 0x1000]);
        assert!(list.is_terminated());
        assert_eq!(list.offset(), 1);
    }

    #[test]
    fn a_list_without_an_end_stops_at_the_end_of_the_image() {
        let list = DeviceList::find(&[0x41, 0x10, 0x00], 0).unwrap();
        assert_eq!(list.ids().collect::<Vec<_>>(), [0x1041]);
        assert!(!list.is_terminated());
    }

    #[test]
    fn a_list_outside_of_the_image_is_none() {
        assert_eq!(DeviceList::find(&[1, 0], 1), None);
        assert_eq!(DeviceList::find(&[1, 0], 3), None);
    }
}
