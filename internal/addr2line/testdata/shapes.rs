// Traits, generics and closures of Rust.
use std::hint::black_box;

trait Shape {
    fn area(&self) -> u64;
}

struct Square(u64);
struct Circle {
    r: u64,
}

impl Shape for Square {
    fn area(&self) -> u64 {
        self.0 * self.0
    }
}

impl Shape for Circle {
    #[inline(never)]
    fn area(&self) -> u64 {
        3 * self.r * self.r
    }
}

fn total<T: Shape>(shapes: &[T]) -> u64 {
    shapes.iter().map(|s| s.area() + black_box(1)).sum()
}

fn main() {
    let n = std::env::args().count() as u64;
    let squares: Vec<Square> = (0..n).map(Square).collect();
    let circles: Vec<Circle> = (0..n).map(|r| Circle { r }).collect();
    println!("{}", total(&squares) + total(&circles));
}
