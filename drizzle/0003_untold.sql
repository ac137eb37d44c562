ALTER TABLE "sessions" ADD COLUMN "untold_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "untold_at" timestamp (3) with time zone;--> statement-breakpoint
CREATE INDEX "sessions_untold" ON "sessions" USING btree ("untold_at") WHERE untold_at is not null;--> statement-breakpoint
CREATE INDEX "users_untold" ON "users" USING btree ("untold_at") WHERE untold_at is not null;