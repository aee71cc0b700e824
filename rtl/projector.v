// One accumulator per class: p_c = sum over t of B[c, t] z_t, additions and subtractions only. One latent z_t a cycle;
// `square` gathers the sum of z_t squared that the normalisation needs. The basis comes from its generator.
module projector #(
    parameter CLASSES = 2, parameter PHASE = 48, parameter BITS = 16, parameter ACC = 32, parameter WRAP = 0
) (
    input  wire                     clk,
    input  wire                     start,
    input  wire                     valid,       // z stands here
    input  wire signed [BITS-1:0]   z,
    input  wire [CLASSES*PHASE-1:0] step,
    output reg  [CLASSES*ACC-1:0]   p,
    output reg  [2*BITS+31:0]       square,      // room for 2**32 latents
    output wire [CLASSES-1:0]       over
);
    wire [CLASSES-1:0] negative;
    wire               zero;
    wire signed [2*BITS-1:0] product = z * z;

    basis_generator #(.CLASSES(CLASSES), .PHASE(PHASE)) basis (
        .clk(clk), .start(start), .advance(valid), .step(step), .negative(negative), .zero(zero));

    genvar i;
    generate
        for (i = 0; i < CLASSES; i = i + 1) begin : lane
            localparam WIDE = (BITS > ACC ? BITS : ACC) + 2;
            wire signed [ACC-1:0]  total = p[i*ACC +: ACC];
            wire signed [WIDE-1:0] exact = zero ? total : negative[i] ? total - z : total + z;
            wire signed [ACC-1:0]  held;
            wire                   beyond;
            narrow #(.IN(WIDE), .OUT(ACC), .WRAP(WRAP)) fit (.exact(exact), .held(held), .over(beyond));
            assign over[i] = valid && beyond;
            always @(posedge clk)
                if (start) p[i*ACC +: ACC] <= {ACC{1'b0}};
                else if (valid) p[i*ACC +: ACC] <= held;
        end
    endgenerate

    always @(posedge clk)
        if (start) square <= 0;
        else if (valid) square <= square + product;
endmodule
