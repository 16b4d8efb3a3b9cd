fn main() -> corio::Result<()> {
    let mut kept = None;
    {
        let text = String::from("gone soon");
        corio::task_group(|group| {
            kept = Some(group.create_task(|| Ok(text.len())));
            Ok(())
        })?;
    }
    drop(kept);
    Ok(())
}
