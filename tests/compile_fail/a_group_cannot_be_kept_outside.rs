fn main() -> corio::Result<()> {
    let mut kept = None;
    corio::task_group(|group| {
        kept = Some(group);
        Ok(())
    })?;
    kept.unwrap().create_task(|| Ok(()));
    Ok(())
}
