fn main() -> corio::Result<()> {
    let kept = {
        let text = String::from("short-lived");
        corio::gather([|| Ok(text.as_str())])?
    };
    println!("{}", kept[0]);
    Ok(())
}
