// A Rust program; its standard library brings symbols of both manglings.
#[inline(never)]
fn plain(x: u64) -> u64 { x.wrapping_mul(3) }

mod inner {
    pub struct S(pub u64);
    impl S { #[inline(never)] pub fn method(&self) -> u64 { self.0 + 1 } }
}

fn main() {
    let n = std::env::args().count() as u64;
    println!("{}", plain(n) + inner::S(n).method());
}
