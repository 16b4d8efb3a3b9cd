//! What must not compile, and how the compiler says so.
//!
//! The expected messages are those of the pinned toolchain. `TRYBUILD=overwrite cargo test -p
//! corio-tests --test compile_fail` writes them anew.

#[test]
fn what_must_not_compile_does_not() {
    trybuild::TestCases::new().compile_fail("compile_fail/*.rs");
}
