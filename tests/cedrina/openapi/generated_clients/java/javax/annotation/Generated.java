package javax.annotation;

/** What the generated classes are marked with. A project gets it from jakarta.annotation-api 1.3. */
public @interface Generated {
  String[] value();

  String date() default "";

  String comments() default "";
}
