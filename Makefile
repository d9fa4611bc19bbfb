.PHONY: demo test lint bench lock
demo test lint bench lock:
	@./dev $@ $(ARGS)
