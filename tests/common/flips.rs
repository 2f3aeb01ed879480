//! Bits of a file that are turned over, the same ones in every run.

/// Copies of `bytes`, each with another bit changed behind the first `from`
/// bytes, and the offset of its byte.
pub fn flipped(bytes: &[u8], from: usize, count: usize) -> impl Iterator<Item = (usize, Vec<u8>)> {
    // xorshift64 (Marsaglia, 2003).
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..count).map(move |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let bits = (bytes.len() - from) * 8;
        let bit = usize::try_from(state % bits as u64).unwrap();
        let at = from + bit / 8;
        let mut changed = bytes.to_vec();
        changed[at] ^= 1 << (bit % 8);
        (at, changed)
    })
}

/// A ROM of `units` times 512 bytes whose data does not pack.
pub fn rom_of(units: u16) -> Vec<u8> {
    let mut rom = vec![0; usize::from(units) * 512];
    let noise = flipped(&[0; 64], 0, rom.len());
    for (byte, (at, _)) in rom.iter_mut().zip(noise) {
        *byte = u8::try_from(at * 4 + 1).unwrap();
    }
    rom[..0x40].fill(0);
    rom[..3].copy_from_slice(&[0x55, 0xaa, units.to_le_bytes()[0]]);
    rom[0x18..0x1a].copy_from_slice(&[0x1c, 0]);
    rom[0x1c..0x34]
        .copy_from_slice(b"PCIR\x86\x80\x0e\x10\0\0\x1c\0\x03\0\0\x02\x01\0\0\0\0\x80\0\0");
    rom[0x2c..0x2e].copy_from_slice(&units.to_le_bytes());
    let sum = rom.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    rom[6] = 0_u8.wrapping_sub(sum);
    rom
}
