//! What the commands print, as a person reads it. `TRYCMD=overwrite cargo
//! test --test cli` rewrites the expected output; read it before you commit.

#[test]
fn commands_print_what_the_documents_show() {
    trycmd::TestCases::new()
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .case("tests/cmd/*.trycmd")
        .case("README.md");
}
